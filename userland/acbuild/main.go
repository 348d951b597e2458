// Command acbuild builds an image of the App Container specification (an ACI) step by step, in the current folder.
//
// It has the verbs of CoreOS's acbuild that a script for a small service needs. That program was never published as a
// Go module; this one is this project's own. What is begun lies in .acbuild until `end`:
//
//	acbuild begin
//	acbuild set-name example.com/hello
//	acbuild dependency add example.com/base
//	acbuild copy ./app /app
//	acbuild run -- node --check /app/app.js
//	acbuild set-exec -- /bin/sh -c "cd /app && exec node app.js"
//	acbuild port add www tcp 3000
//	acbuild label add version 0.0.1
//	acbuild write hello-0.0.1-linux-amd64.aci
//	acbuild end
//
// The format: https://github.com/appc/spec/blob/v0.8.11/spec/aci.md
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// exitUsage is the exit code for a call that makes no sense, 1 that for a step that failed.
const exitUsage = 2

// verb is one way to call acbuild: its words, what follows them, and what it does with that.
type verb struct {
	words []string
	usage string
	least int  // arguments that it needs
	more  bool // it takes any number beyond these
	act   func(build build, arguments []string) error
}

var verbs = []verb{
	{[]string{"begin"}, "", 0, false, build.begin},
	{[]string{"set-name"}, "NAME", 1, false, build.setName},
	{[]string{"dependency", "add"}, "NAME", 1, false, build.addDependency},
	{[]string{"run"}, "-- PROGRAM [ARGUMENT...]", 1, true, build.run},
	{[]string{"copy"}, "PATH PATH-IN-IMAGE", 2, false, build.copy},
	{[]string{"set-exec"}, "-- PROGRAM [ARGUMENT...]", 1, true, build.setExec},
	{[]string{"port", "add"}, "NAME PROTOCOL PORT", 3, false, build.addPort},
	{[]string{"label", "add"}, "NAME VALUE", 2, false, build.addLabel},
	{[]string{"write"}, "FILE", 1, false, build.write},
	{[]string{"end"}, "", 0, false, build.end},
}

func main() {
	chosen, arguments := find(os.Args[1:])
	if chosen == nil {
		fmt.Fprintln(os.Stderr, usage())
		os.Exit(exitUsage)
	}
	if len(arguments) < chosen.least || len(arguments) > chosen.least && !chosen.more {
		fmt.Fprintf(os.Stderr, "acbuild: write it as: %s\n", chosen.call())
		os.Exit(exitUsage)
	}
	err := chosen.act(build{folder: ".acbuild"}, arguments)
	var failed *exec.ExitError
	if errors.As(err, &failed) && failed.ExitCode() > 0 {
		fmt.Fprintf(os.Stderr, "acbuild: %v\n", err)
		os.Exit(failed.ExitCode())
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "acbuild: %v\n", err)
		os.Exit(1)
	}
}

// find returns the verb that a call begins with, nil if it is none, and the call's other words without a leading `--`.
func find(words []string) (*verb, []string) {
	for number := range verbs {
		known := &verbs[number]
		if len(words) < len(known.words) || !equal(words[:len(known.words)], known.words) {
			continue
		}
		rest := words[len(known.words):]
		if known.more && len(rest) > 0 && rest[0] == "--" {
			rest = rest[1:]
		}
		return known, rest
	}
	return nil, nil
}

func equal(one, other []string) bool {
	for number := range one {
		if one[number] != other[number] {
			return false
		}
	}
	return true
}

// call is how the verb is written.
func (known verb) call() string {
	text := "acbuild"
	for _, word := range known.words {
		text += " " + word
	}
	if known.usage != "" {
		text += " " + known.usage
	}
	return text
}

func usage() string {
	text := "acbuild: no such verb; there are:"
	for _, known := range verbs {
		text += "\n  " + known.call()
	}
	return text
}
