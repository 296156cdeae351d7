# Follows a transaction that was started earlier. Standard input: its id. Says "gone" when the host knows none.
IFS= read -r ID
valid_id "$ID" || exit 64
if [ -e "$BASE/staging/$ID/progress" ]; then
  follow "$BASE/staging/$ID" && exit 0
fi
for candidate in "$BASE"/generations/*/meta; do
  if grep -qx "id=$ID" "$candidate" 2>/dev/null; then
    follow "${candidate%/meta}"
    exit 0
  fi
done
printf 'gone\n'
