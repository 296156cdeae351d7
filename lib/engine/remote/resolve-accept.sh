# Standard input: the id of the transaction that is to end with what is there now. Standard output: see accept_left.
IFS= read -r ID
accept_left
