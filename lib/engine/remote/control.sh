# Confirms a change over a new connection, or cancels a transaction that has not touched anything yet.
# Standard input: lines ACTION (confirm or cancel), ID, NONCE.
IFS= read -r ACTION
IFS= read -r ID
IFS= read -r NONCE
valid_id "$ID" || exit 64
DIR=$BASE/staging/$ID
[ -d "$DIR" ] || { printf 'gone\n' && exit 0; }
case $ACTION in
  confirm) printf '%s\n' "$NONCE" >"$DIR/confirmed.new" && mv -T "$DIR/confirmed.new" "$DIR/confirmed" ;;
  cancel) : >"$DIR/cancel" ;;
  *) exit 64 ;;
esac && printf 'ok\n'
