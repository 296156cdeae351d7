# Confirms a change over a new connection, cancels a transaction that has not touched anything yet, or forgets one that never
# began, once the operator has heard so. Standard input: lines ACTION (confirm, cancel or forget), ID, NONCE.
IFS= read -r ACTION
IFS= read -r ID
IFS= read -r NONCE
valid_id "$ID" || exit 64
DIR=$BASE/staging/$ID
[ -d "$DIR" ] || { printf 'gone\n' && exit 0; }
case $ACTION in
  confirm) printf '%s\n' "$NONCE" >"$DIR/confirmed.new" && mv -T "$DIR/confirmed.new" "$DIR/confirmed" ;;
  cancel) : >"$DIR/cancel" ;;
  forget) ! grep -qsxE 'locked|refused|conflict' "$DIR/outcome" || rm -rf "$DIR" ;;
  *) exit 64 ;;
esac && printf 'ok\n'
