package orgs_test

import "github.com/pocketline/pocketline/hooks/internal/peoplekit"

type desk = peoplekit.Desk

var open, openAt = peoplekit.Open, peoplekit.OpenAt
