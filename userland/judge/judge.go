package main

import (
	"cmp"
	"math"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"
)

// Outcomes of a judgement.
const (
	pass = "pass"
	fail = "fail"
)

const (
	most = 20                // examples of a kind that a judgement has
	end  = math.MaxInt64 - 1 // after every answer
)

// A wrong operation is one that no order explains. Invented: it read what nobody had written.
type wrong struct {
	operation
	Invented bool `json:"invented"`
}

// A stale read found what had been replaced before its call, Age nanoseconds before at least.
type stale struct {
	operation
	Age int64 `json:"age"`
}

// A judgement is what was found of a history. Answered is the number of answers to writes, compare-and-swaps and quorum
// reads. Unjudged are registers whose history is neither known to be linearizable nor known not to be.
type judgement struct {
	Outcome    string         `json:"outcome"`
	Reason     string         `json:"reason"`
	Operations int            `json:"operations"`
	Answered   int            `json:"answered"`
	Pending    int            `json:"pending"`
	Registers  int            `json:"registers"`
	Unjudged   []string       `json:"unjudged"`
	Wrong      []wrong        `json:"wrong"`
	LocalReads int            `json:"local_reads"`
	Stale      int            `json:"stale"`
	StaleBy    map[string]int `json:"stale_by"`
	Oldest     int64          `json:"oldest"`
	StaleReads []stale        `json:"stale_reads"`
	Unexamined int            `json:"unexamined"`
	Pictured   string         `json:"pictured"`
	Seconds    float64        `json:"seconds"`
}

// A judge has a time and an amount of memory for its work. scenes are what may be drawn.
type judge struct {
	deadline time.Time
	full     atomic.Bool
	model    porcupine.Model
	scenes   []scene
}

func newJudge(deadline time.Time, memory uint64) *judge {
	made := &judge{deadline: deadline}
	made.model = model(made.full.Load)
	go made.watch(memory)
	return made
}

// watch ends a search that takes too much memory: porcupine keeps each state that it has seen.
func (j *judge) watch(most uint64) {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	for range time.Tick(20 * time.Millisecond) {
		if metrics.Read(sample); sample[0].Value.Uint64() > most {
			j.full.Store(true)
		}
	}
}

// check says whether operations are linearizable; unknown where time or memory are not enough.
func (j *judge) check(operations []porcupine.Operation) porcupine.CheckResult {
	left := time.Until(j.deadline)
	if left <= 0 {
		return porcupine.Unknown
	}
	result := porcupine.CheckOperationsTimeout(j.model, operations, left)
	if j.full.Load() {
		runtime.GC()
		j.full.Store(false)
		return porcupine.Unknown
	}
	return result
}

func (j *judge) judge(history []*operation, least int) *judgement {
	made := &judgement{
		Operations: len(history), Unjudged: []string{}, Wrong: []wrong{}, StaleReads: []stale{}, StaleBy: map[string]int{},
	}
	names, registers := byRegister(history)
	made.Registers = len(names)
	var sound []*part
	for _, name := range names {
		if each := newPart(name, registers[name], made); j.isSound(each, made) {
			sound = append(sound, each)
		}
	}
	for _, each := range sound { // later: looking for stale reads must not take the time that the verdict needs
		j.examine(each, made)
	}
	switch {
	case len(made.Wrong) > 0:
		made.Outcome = fail
	case len(made.Unjudged) > 0:
		made.Outcome, made.Reason = unknown, "time or memory were not enough"
	case made.Answered < max(1, least):
		made.Outcome, made.Reason = unknown, "too few operations were answered"
	default:
		made.Outcome = pass
	}
	return made
}

// byRegister returns the registers in the order in which they were first used, and each one's operations.
func byRegister(history []*operation) ([]string, map[string][]*operation) {
	var names []string
	registers := map[string][]*operation{}
	for _, o := range history {
		if registers[o.Register] == nil {
			names = append(names, o.Register)
		}
		registers[o.Register] = append(registers[o.Register], o)
	}
	return names, registers
}

// A part is what matters of a register's history: what the members agreed on, with pending operations, and the reads of
// one member's own copy.
type part struct {
	name          string
	agreed, local []*operation
	pending       int
}

// newPart takes a register's history apart, and counts it.
func newPart(name string, history []*operation, made *judgement) *part {
	found := &part{name: name}
	for _, o := range history {
		switch {
		case o.Op == localRead:
			if o.isAnswered() {
				found.local = append(found.local, o)
			}
		case o.isAnswered():
			found.agreed = append(found.agreed, o)
			made.Answered++
		case o.Outcome == unknown && !o.isRead():
			found.agreed = append(found.agreed, o)
			found.pending++
		}
	}
	made.Pending += found.pending
	made.LocalReads += len(found.local)
	return found
}

// isSound says whether what the members agreed on is linearizable.
func (j *judge) isSound(p *part, made *judgement) bool {
	switch j.check(until(end, p.agreed)) {
	case porcupine.Illegal:
		last := j.firstWrong(p.agreed)
		made.addWrong(wrong{*last, last.isRead() && !isWritten(last, p.agreed)})
		j.scenes = append(j.scenes, scene{p.name, refuted, 0, until(last.Return, p.agreed)})
		return false
	case porcupine.Unknown:
		made.Unjudged = append(made.Unjudged, p.name)
		made.Unexamined += len(p.local)
		return false
	}
	return true
}

// examine looks for stale and invented reads of a sound part.
func (j *judge) examine(p *part, made *judgement) {
	stale, invented := made.Stale, len(made.Wrong)
	j.findStale(p.agreed, p.local, made)
	interest, length := ordinary, len(p.agreed)
	switch {
	case len(made.Wrong) > invented:
		interest, length = refuted, 0
	case made.Stale > stale:
		interest = outdated
	case p.pending > 0:
		interest = unanswered
	}
	j.scenes = append(j.scenes, scene{p.name, interest, length, until(end, slices.Concat(p.agreed, p.local))})
}

func (made *judgement) addWrong(found wrong) {
	if len(made.Wrong) < most {
		made.Wrong = append(made.Wrong, found)
	}
}

// firstWrong returns the operation by whose answer a history ceases to be linearizable: every beginning of a
// linearizable history is linearizable, too.
func (j *judge) firstWrong(history []*operation) *operation {
	answered := slices.DeleteFunc(slices.Clone(history), func(o *operation) bool { return !o.isAnswered() })
	slices.SortStableFunc(answered, func(a, b *operation) int { return cmp.Compare(a.Return, b.Return) })
	good, bad := -1, len(answered)-1
	for bad-good > 1 {
		middle := (good + bad) / 2
		if j.check(until(answered[middle].Return, history)) == porcupine.Illegal {
			bad = middle
		} else {
			good = middle
		}
	}
	return answered[bad]
}

// isWritten says whether somebody had begun to write what a read found, or it found nothing.
func isWritten(read *operation, history []*operation) bool {
	return read.Value == nil || slices.ContainsFunc(history, func(o *operation) bool {
		return !o.isRead() && *o.Value == *read.Value && o.Call <= read.Return
	})
}
