package main

import (
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

const drawing = 5 * time.Second // for a picture

// How interesting a register is: nothing happened, some operations had no answer, it had stale reads, or no order
// explains it.
const (
	ordinary = iota
	unanswered
	outdated
	refuted
)

// A scene is what may be drawn of a register, and how interesting that is. Of several, the longest is drawn; of those that
// no order explains, the first, which the judgement names first.
type scene struct {
	register   string
	interest   int
	length     int
	operations []porcupine.Operation
}

// draw writes the picture of the most interesting register and returns its name, "" where there is nothing to draw. It
// has a row for each client, and below these one for each operation without an answer.
func (j *judge) draw(path string) (string, error) {
	scenes := slices.DeleteFunc(j.scenes, func(each scene) bool { return len(each.operations) == 0 })
	if len(scenes) == 0 {
		return "", nil
	}
	chosen := slices.MaxFunc(scenes, func(a, b scene) int {
		if a.interest != b.interest {
			return a.interest - b.interest
		}
		return a.length - b.length
	})
	operations := slices.Clone(chosen.operations)
	first, rows := operations[0].Call, 0
	for _, each := range operations {
		first, rows = min(first, each.Call), max(rows, each.ClientId+1)
	}
	for number := range operations {
		each := &operations[number]
		each.Call -= first
		each.Return -= first
		if answered := each.Output.(bool); !answered { // it lasts to the end, while its client goes on
			each.ClientId = rows
			rows++
		}
	}
	drawn := model(func() bool { return false })
	_, info := porcupine.CheckOperationsVerbose(drawn, operations, drawing)
	return chosen.register, porcupine.VisualizePath(drawn, info, path)
}
