package target

import _ "embed"

// What the references send. These are real answers of rddsd about names of the
// generated registry of 10,000 names, seed 1, chosen because they are as long as
// its answers are on average (checked by a test).
var (
	//go:embed answers/domain.txt
	whoisAnswer []byte
	//go:embed answers/domain.json
	rdapAnswer []byte
)
