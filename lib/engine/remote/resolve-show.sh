# Prints what an undo left (resolve-look.sh). Standard output: "citadel-resolve/1", the records, then "end"; fields ended by NUL.
field citadel-resolve/1
left_places
field end
