package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// What a client did.
const (
	write     = "write"
	cas       = "cas" // compare-and-swap: from expected to value
	quorum    = "read"
	localRead = "local read" // of one member's own copy, which may be old
)

// What came of it.
const (
	ok       = "ok"
	mismatch = "mismatch" // compare-and-swap found another value
	failed   = "failed"   // it was never sent, so it had no effect
	unknown  = "unknown"  // it may take effect at any time from its call on
)

// An operation is one line of a history. Call and Return are in nanoseconds of one clock. Value is what was written or
// found, nil for a register that does not exist.
type operation struct {
	Client   int     `json:"client"`
	Node     string  `json:"node"`
	Register string  `json:"register"`
	Op       string  `json:"op"`
	Expected *string `json:"expected,omitempty"`
	Value    *string `json:"value"`
	Call     int64   `json:"call"`
	Return   int64   `json:"return"`
	Outcome  string  `json:"outcome"`
}

func (o *operation) isRead() bool {
	return o.Op == quorum || o.Op == localRead
}

// isAnswered says whether it is known what came of an operation that was sent.
func (o *operation) isAnswered() bool {
	return o.Outcome == ok || o.Outcome == mismatch
}

func (o *operation) problem() string {
	switch {
	case o.Register == "":
		return "it names no register"
	case o.Client < 0:
		return "its client is no number from 0 on"
	case o.Return < o.Call:
		return "it returns before its call"
	case o.Op != write && o.Op != cas && !o.isRead():
		return fmt.Sprintf("%q is no operation", o.Op)
	case o.Outcome != ok && o.Outcome != failed && o.Outcome != unknown && (o.Outcome != mismatch || o.Op != cas):
		return fmt.Sprintf("%q is no outcome of %q", o.Outcome, o.Op)
	case !o.isRead() && o.Value == nil:
		return "it has no value"
	case (o.Op == cas) != (o.Expected != nil):
		return "only compare-and-swap expects a value"
	}
	return ""
}

// read returns the operations of a history, or what is wrong with its first bad line.
func read(in io.Reader) ([]*operation, error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	var history []*operation
	number := 0
	for lines.Scan() {
		number++
		made := new(operation)
		decoder := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		if err := decoder.Decode(made); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if problem := made.problem(); problem != "" {
			return nil, fmt.Errorf("line %d: %s", number, problem)
		}
		history = append(history, made)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", number+1, err)
	}
	return history, nil
}
