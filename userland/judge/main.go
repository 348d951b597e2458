// Command judge reads a history of registers from a file, one JSON object a line, and writes to standard output, as JSON,
// whether it is linearizable. Porcupine decides that. On request it writes porcupine's picture of one register.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

func run(arguments []string, out io.Writer) error {
	flags := flag.NewFlagSet("judge", flag.ContinueOnError)
	least := flags.Int("least", 1, "`NUMBER` of answered quorum operations below which nothing is proved")
	limit := flags.Duration("limit", time.Minute, "`TIME` after which what is not judged yet stays unjudged")
	memory := flags.Uint64("memory", 1024, "`MEGABYTES` that the search for an order may take")
	picture := flags.String("picture", "", "`FILE` for porcupine's picture, as HTML")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("usage: judge [OPTION...] HISTORY")
	}
	began := time.Now()
	in, err := os.Open(flags.Arg(0))
	if err != nil {
		return err
	}
	defer in.Close()
	history, err := read(in)
	if err != nil {
		return err
	}
	judge := newJudge(began.Add(*limit), *memory<<20)
	found := judge.judge(history, *least)
	if *picture != "" {
		if found.Pictured, err = judge.draw(*picture); err != nil {
			return err
		}
	}
	found.Seconds = time.Since(began).Seconds()
	return json.NewEncoder(out).Encode(found)
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
