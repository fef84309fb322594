package placing

// What tests from outside wait for and compare.
const (
	RepairWait   = repairWait
	RepeatWindow = repeatWindow
	LookLimit    = lookLimit
	SilentWait   = silentWait
	StepAgain    = stepAgain
	WaitLimit    = waitLimit
	WordsUnclear = wordsUnclear
	WordsWaiting = wordsWaiting
)

// Placement is how far a call came.
type Placement = placement
