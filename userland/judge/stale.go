package main

import (
	"cmp"
	"slices"

	"github.com/anishathalye/porcupine"
)

const precision = 1_000_000 // nanoseconds of an age

// findStale finds the local reads that no order explains together with the quorum operations of a register, which are
// linearizable, and with the local reads that returned before. The first one that found what nobody wrote is wrong.
func (j *judge) findStale(agreed, local []*operation, made *judgement) {
	if len(local) == 0 || j.check(until(end, slices.Concat(agreed, local))) == porcupine.Ok {
		return
	}
	invented := false
	local = slices.Clone(local)
	slices.SortStableFunc(local, func(a, b *operation) int { return cmp.Compare(a.Return, b.Return) })
	for _, each := range local {
		with := append(slices.Clip(agreed), each)
		result := j.check(until(each.Return, with)) // what came later is seldom needed, and makes the search longer
		if result == porcupine.Ok {
			result = j.check(until(end, with))
		}
		switch result {
		case porcupine.Ok:
			agreed = append(agreed, each)
		case porcupine.Unknown:
			made.Unexamined++
		case porcupine.Illegal:
			if isWritten(each, agreed) {
				made.addStale(stale{*each, j.age(agreed, each, made.known())})
			} else if !invented {
				invented = true
				made.addWrong(wrong{*each, true})
			}
		}
	}
}

func (made *judgement) addStale(found stale) {
	made.Stale++
	made.StaleBy[found.Node]++
	made.Oldest = max(made.Oldest, found.Age)
	if len(made.StaleReads) < most {
		made.StaleReads = append(made.StaleReads, found)
	}
}

// known is an age that does not matter any more: there are enough examples, and an older read.
func (made *judgement) known() int64 {
	if len(made.StaleReads) < most {
		return 0
	}
	return made.Oldest
}

// age returns by how many nanoseconds a read would have to begin earlier, at least, for an order to explain it; 0 where
// that is less than what is known already.
func (j *judge) age(agreed []*operation, read *operation, known int64) int64 {
	explained := func(by int64) bool {
		earlier := *read
		earlier.Call -= by
		return j.check(until(end, append(slices.Clip(agreed), &earlier))) == porcupine.Ok
	}
	if known > 0 && explained(known) {
		return 0
	}
	first := read.Call
	for _, o := range agreed {
		first = min(first, o.Call)
	}
	little, enough := known, read.Call-first+1
	for enough-little > precision {
		if middle := (little + enough) / 2; explained(middle) {
			enough = middle
		} else {
			little = middle
		}
	}
	return little
}
