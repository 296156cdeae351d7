# Follows a transaction that was started earlier. Standard input: its id. Says "gone" when the host knows none.
IFS= read -r ID
valid_id "$ID" || exit 64
if open_progress "$BASE/staging/$ID"; then
  follow "$BASE/staging/$ID"
  exit
fi
for candidate in "$BASE"/generations/*; do
  if grep -qsx "id=$ID" "$candidate/meta" && open_progress "$candidate"; then
    follow "$candidate"
    exit
  fi
done
printf 'gone\n'
