package main

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// A register is the state of the model: a register's value, or that it does not exist.
type register struct {
	exists bool
	value  string
}

func found(value *string) register {
	if value == nil {
		return register{}
	}
	return register{true, *value}
}

func (r register) String() string {
	if !r.exists {
		return "no value"
	}
	return r.value
}

// step says whether an operation could act on a register as it was answered, and what the register is then. An
// operation that was not answered does whatever it would do.
func step(before register, o *operation, answered bool) (bool, register) {
	switch o.Op {
	case write:
		return true, found(o.Value)
	case cas:
		matches := before == found(o.Expected)
		after := before
		if matches {
			after = found(o.Value)
		}
		return !answered || matches == (o.Outcome == ok), after
	}
	return before == found(o.Value), before
}

// model is one register; out is whether the operation was answered. Each step is also asked whether the search is to
// end: then no step is possible any more.
func model(over func() bool) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return register{} },
		Step: func(state, in, out any) (bool, any) {
			if over() {
				return false, state
			}
			return step(state.(register), in.(*operation), out.(bool))
		},
		DescribeOperation:         func(in, out any) string { return describe(in.(*operation), out.(bool)) },
		DescribeState:             func(state any) string { return state.(register).String() },
		DescribeOperationMetadata: func(o any) string { return o.(*operation).who() },
	}
}

func describe(o *operation, answered bool) string {
	switch {
	case o.isRead():
		return fmt.Sprintf("%s → %s", o.Op, found(o.Value))
	case !answered:
		return fmt.Sprintf("%s → not known", asked(o))
	case o.Outcome == mismatch:
		return fmt.Sprintf("%s → another value", asked(o))
	}
	return asked(o)
}

func (o *operation) who() string {
	return fmt.Sprintf("client %d, through %s", o.Client, o.Node)
}

func asked(o *operation) string {
	if o.Op == cas {
		return fmt.Sprintf("cas %s to %s", *o.Expected, *o.Value)
	}
	return fmt.Sprintf("%s %s", o.Op, *o.Value)
}

// until returns what porcupine gets of the operations that were called up to a time, of which answers up to then are
// known. What was not answered is pending until after all others. A read without an answer says nothing.
func until(end int64, history []*operation) []porcupine.Operation {
	var made []porcupine.Operation
	last := end
	for _, o := range history {
		last = max(last, o.Return)
	}
	for _, o := range history {
		answered := o.isAnswered() && o.Return <= end
		if o.Call > end || o.Outcome == failed || (o.isRead() && !answered) {
			continue
		}
		returned := o.Return
		if !answered {
			returned = last + 1
		}
		made = append(made, porcupine.Operation{
			ClientId: o.Client, Input: o, Call: o.Call, Output: answered, Return: returned, Metadata: o,
		})
	}
	return made
}
