package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// line makes an operation from words such as "0 write 1 @0-10", "1 cas 1 2 @5-9 mismatch" or "2 read - @3-4".
func line(t *testing.T, words string) *operation {
	t.Helper()
	fields := strings.Fields(words)
	made := &operation{Node: "core-01", Register: "1", Outcome: ok}
	value := func(text string) *string {
		if text == "-" {
			return nil
		}
		return &text
	}
	if _, err := fmt.Sscan(fields[0], &made.Client); err != nil {
		t.Fatal(err)
	}
	made.Op = fields[1]
	rest := fields[2:]
	if made.Op == "local" {
		made.Op = localRead
	}
	if made.Op == cas {
		made.Expected, rest = value(rest[0]), rest[1:]
	}
	made.Value = value(rest[0])
	if _, err := fmt.Sscanf(rest[1], "@%d-%d", &made.Call, &made.Return); err != nil {
		t.Fatal(err)
	}
	if len(rest) > 2 {
		made.Outcome = rest[2]
	}
	if problem := made.problem(); problem != "" {
		t.Fatalf("%s: %s", words, problem)
	}
	return made
}

func judged(t *testing.T, least int, lines ...string) (*judge, *judgement) {
	t.Helper()
	var history []*operation
	for _, words := range lines {
		history = append(history, line(t, words))
	}
	made := newJudge(time.Now().Add(time.Minute), 1<<30)
	return made, made.judge(history, least)
}

func TestWhatIsLinearizable(t *testing.T) {
	for name, lines := range map[string][]string{
		"one after the other":               {"0 write 1 @0-10", "1 read 1 @20-30", "0 cas 1 2 @40-50", "1 read 2 @60-70"},
		"nothing was written yet":           {"0 read - @0-10", "0 write 1 @20-30"},
		"reads during a write, both values": {"0 write 1 @0-100", "1 read - @10-20", "2 read 1 @30-40"},
		"compare-and-swap finds no value":   {"0 cas 1 2 @0-10 mismatch", "0 write 1 @20-30", "0 cas 1 2 @40-50"},
		"a pending write is seen late":      {"0 write 1 @0-10", "1 write 2 @11-12 unknown", "0 read 1 @20-30", "0 read 2 @90-99"},
		"a pending write is never seen":     {"0 write 1 @0-10", "1 write 2 @11-12 unknown", "0 read 1 @20-30"},
		"a pending swap explains a value":   {"0 write 1 @0-10", "1 cas 1 2 @11-12 unknown", "0 read 2 @20-30"},
		"what was never sent":               {"0 write 1 @0-10", "1 write 2 @11-12 failed", "0 read 1 @20-30"},
		"a read without an answer":          {"0 write 1 @0-10", "1 read - @11-12 unknown"},
	} {
		if _, got := judged(t, 1, lines...); got.Outcome != pass {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestWhatIsNot(t *testing.T) {
	for name, lines := range map[string][]string{
		"a stale quorum read":       {"0 write 1 @0-10", "0 write 2 @20-30", "1 read 1 @40-50"},
		"back in time":              {"0 write 1 @0-10", "0 write 2 @20-90", "1 read 2 @40-50", "1 read 1 @60-70"},
		"a lost write":              {"0 write 1 @0-10", "1 read - @20-30"},
		"a swap of what was gone":   {"0 write 1 @0-10", "0 write 2 @20-30", "1 cas 1 3 @40-50"},
		"two swaps of one value":    {"0 write 1 @0-10", "0 cas 1 2 @20-30", "1 cas 1 3 @20-30"},
		"a refused swap that fits":  {"0 write 1 @0-10", "1 cas 1 2 @20-30 mismatch"},
		"what was never sent":       {"0 write 1 @0-10", "1 write 2 @11-12 failed", "0 read 2 @20-30"},
		"what nobody wrote":         {"0 write 1 @0-10", "1 read 7 @20-30"},
		"a local one nobody wrote":  {"0 write 1 @0-10", "1 local 7 @20-30"},
		"a pending write, undone":   {"0 write 1 @0-10", "1 write 2 @11-12 unknown", "0 read 2 @20-30", "0 read 1 @40-50"},
		"read before it is written": {"1 read 1 @0-10", "0 write 1 @20-30"},
	} {
		if _, got := judged(t, 1, lines...); got.Outcome != fail || len(got.Wrong) != 1 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestTheAnswerThatNoOrderExplainsIsNamed(t *testing.T) {
	_, got := judged(t, 1, "0 write 1 @0-10", "0 write 2 @20-30", "1 read 1 @40-50", "0 write 3 @60-70", "1 read 3 @80-90")
	if wrong := got.Wrong[0]; wrong.Call != 40 || wrong.Invented {
		t.Errorf("%+v", wrong)
	}
	if _, got = judged(t, 1, "0 write 1 @0-10", "1 read 7 @20-30"); !got.Wrong[0].Invented {
		t.Errorf("%+v", got.Wrong[0])
	}
}

func TestStaleReadsAreAFinding(t *testing.T) {
	const s = 1_000_000_000
	_, got := judged(t, 1,
		"0 write 1 @0-10",
		fmt.Sprintf("0 write 2 @%d-%d", s, s+1000),
		fmt.Sprintf("1 local 2 @%d-%d", 2*s, 2*s+1000),
		fmt.Sprintf("1 local 1 @%d-%d", 3*s, 3*s+1000),
		fmt.Sprintf("1 local - @%d-%d", 4*s, 4*s+1000),
		fmt.Sprintf("1 local 2 @%d-%d", 5*s, 5*s+1000))
	if got.Outcome != pass || got.Stale != 2 || got.LocalReads != 4 || got.StaleBy["core-01"] != 2 {
		t.Fatalf("%+v", got)
	}
	// The write of 2 had ended 2 s before the read of 1 began.
	if age := got.StaleReads[0].Age; age < 2*s-2*precision || age > 2*s {
		t.Errorf("%d", age)
	}
	// Nothing was there until the first write ended.
	if age := got.Oldest; age < 4*s-2*precision || age > 4*s {
		t.Errorf("%d", age)
	}
}

func TestALocalReadThatGoesBackInTimeIsStale(t *testing.T) {
	_, got := judged(t, 1, "0 write 1 @0-10", "0 write 2 @20-90", "1 local 2 @30-40", "1 local 1 @50-60")
	if got.Outcome != pass || got.Stale != 1 || got.StaleReads[0].Call != 50 {
		t.Errorf("%+v", got)
	}
}

func TestTooLittleProvesNothing(t *testing.T) {
	for _, lines := range [][]string{{}, {"0 local - @0-10"}, {"0 write 1 @0-10 unknown"}, {"0 write 1 @0-10"}} {
		if _, got := judged(t, 2, lines...); got.Outcome != unknown || got.Reason != "too few operations were answered" {
			t.Errorf("%+v", got)
		}
	}
	if _, got := judged(t, 100, "0 write 1 @0-10", "1 read 7 @20-30"); got.Outcome != fail {
		t.Errorf("a wrong answer is wrong, however few there are: %+v", got)
	}
}

// hard returns a history whose search takes exponential time: pending writes, and a value that none of them explains.
func hard(t *testing.T) []string {
	t.Helper()
	lines := []string{"0 write 0 @0-1"}
	for number := range 40 {
		lines = append(lines, fmt.Sprintf("%d write p%d @%d-%d unknown", number, number, number+2, number+3))
	}
	for number := range 40 {
		lines = append(lines, fmt.Sprintf("50 cas p%d x%d @%d-%d", number, number, 2*number+100, 2*number+101))
	}
	return append(lines, "50 cas z y @500-501")
}

func TestWhatTakesTooLongIsUnknown(t *testing.T) {
	var history []*operation
	for _, words := range hard(t) {
		history = append(history, line(t, words))
	}
	began := time.Now()
	got := newJudge(began.Add(time.Second), 1<<30).judge(history, 1)
	if got.Outcome != unknown || len(got.Unjudged) != 1 || time.Since(began) > 10*time.Second {
		t.Errorf("after %s: %+v", time.Since(began), got)
	}
	got = newJudge(time.Now().Add(time.Minute), 64<<20).judge(history, 1)
	if got.Outcome != unknown || len(got.Unjudged) != 1 {
		t.Errorf("%+v", got)
	}
}

// simulated returns a history as clients make it who begin at the same moments, and act at random moments within their
// calls. A share of the reads are local; where behind, the local ones of the last client find the value of five rounds ago.
func simulated(clients, operations, perRegister int, behind bool) (history []*operation, stale int) {
	const round, longest = 400_000_000, 30_000_000 // nanoseconds
	dice := rand.New(rand.NewSource(7))
	past := map[string][]register{} // after each round
	state := map[string]register{}
	for begin := int64(1); len(history) < operations; begin += round {
		made := make([]*operation, clients)
		moments := map[*operation]int64{}
		name := fmt.Sprint(len(history) / perRegister)
		for client := range made {
			o := &operation{Client: client, Node: "core-01", Register: name, Outcome: ok, Call: begin + dice.Int63n(1_000_000)}
			moments[o] = o.Call + dice.Int63n(longest)
			o.Return = moments[o] + dice.Int63n(longest)
			made[client] = o
		}
		slices.SortFunc(made, func(a, b *operation) int { return cmp.Compare(moments[a], moments[b]) })
		for _, o := range made {
			before, value := state[name], fmt.Sprint(len(history))
			switch act := dice.Intn(5); {
			case act == 0:
				o.Op, o.Value = write, &value
				state[name] = register{true, value}
			case act <= 2 && before.exists:
				o.Op, o.Expected, o.Value = cas, &before.value, &value
				state[name] = register{true, value}
			default:
				o.Op = quorum
				if dice.Intn(5) < 2 {
					o.Op = localRead
				}
				seen := before
				if old := past[name]; behind && o.Op == localRead && o.Client == clients-1 && len(old) >= 5 {
					seen = old[len(old)-5]
					if seen != old[len(old)-1] {
						stale++
					}
				}
				if seen.exists {
					o.Value = &seen.value
				}
			}
			history = append(history, o)
		}
		past[name] = append(past[name], state[name])
	}
	return history, stale
}

func TestTwentyThousandOperationsAreJudgedInTenSeconds(t *testing.T) {
	for _, perRegister := range []int{120, 20_000} {
		history, _ := simulated(10, 20_000, perRegister, false)
		began := time.Now()
		got := newJudge(began.Add(time.Minute), 1<<30).judge(history, 100)
		if got.Outcome != pass || time.Since(began) > 10*time.Second {
			t.Errorf("%d a register: after %s: %+v", perRegister, time.Since(began), got)
		}
	}
}

func TestTwentyThousandOperationsWithStaleReadsAreJudgedInTenSeconds(t *testing.T) {
	history, stale := simulated(5, 20_000, 120, true) // of ten clients, who use two registers
	began := time.Now()
	got := newJudge(began.Add(time.Minute), 1<<30).judge(history, 100)
	if got.Outcome != pass || got.Stale != stale || stale < 100 || time.Since(began) > 10*time.Second {
		t.Errorf("after %s, %d stale reads: %+v", time.Since(began), stale, got)
	}
}

func TestAWrongAnswerAmongTwentyThousandIsFound(t *testing.T) {
	history, _ := simulated(10, 20_000, 120, false)
	last := history[len(history)-1]
	last.Op, last.Expected, last.Value = quorum, nil, history[len(history)-60].Value
	began := time.Now()
	got := newJudge(began.Add(time.Minute), 1<<30).judge(history, 100)
	if got.Outcome != fail || got.Wrong[0].operation != *last || time.Since(began) > 10*time.Second {
		t.Errorf("after %s: %+v", time.Since(began), got)
	}
}

func TestThePictureShowsWhatIsWrong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.html")
	lines := []string{
		`{"client":0,"node":"core-01","register":"1","op":"write","value":"1","call":100,"return":110,"outcome":"ok"}`,
		`{"client":1,"node":"core-02","register":"2","op":"write","value":"<b>","call":100,"return":110,"outcome":"ok"}`,
		`{"client":1,"node":"core-02","register":"2","op":"read","value":null,"call":120,"return":130,"outcome":"ok"}`,
	}
	var out bytes.Buffer
	if err := run([]string{"-picture", path, written(t, lines...)}, &out); err != nil {
		t.Fatal(err)
	}
	var got judgement
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.Pictured != "2" || got.Outcome != fail {
		t.Fatalf("%v: %+v", err, got)
	}
	page, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(page), "read → no value") || strings.Contains(string(page), "write <b>") {
		t.Errorf("%v: %s", err, page)
	}
}

func TestWhatHasNoAnswerHasARowOfItsOwn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.html")
	lines := []string{
		`{"client":0,"node":"core-01","register":"1","op":"write","value":"1","call":100,"return":110,"outcome":"unknown"}`,
		`{"client":0,"node":"core-01","register":"1","op":"read","value":"1","call":120,"return":130,"outcome":"ok"}`,
	}
	if err := run([]string{"-picture", path, written(t, lines...)}, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"ClientId":1,`, `"ClientId":0,`, "write 1 → not known", "client 0, through core-01"} {
		if !strings.Contains(string(page), part) {
			t.Errorf("no %s in %s", part, page)
		}
	}
}

func TestThereIsNoPictureOfNothing(t *testing.T) {
	const read = `{"client":0,"node":"core-01","register":"1","op":"read","value":null,"call":1,"return":2,"outcome":"failed"}`
	for _, lines := range [][]string{{}, {read}} {
		path := filepath.Join(t.TempDir(), "history.html")
		var out bytes.Buffer
		if err := run([]string{"-picture", path, written(t, lines...)}, &out); err != nil {
			t.Fatal(err)
		}
		var got judgement
		if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.Pictured != "" || got.Outcome != unknown {
			t.Errorf("%v: %+v", err, got)
		}
	}
}

func TestABadLineIsNamed(t *testing.T) {
	good := `{"client":0,"node":"core-01","register":"1","op":"write","value":"1","call":1,"return":2,"outcome":"ok"}`
	for bad, says := range map[string]string{
		`{"client"`: "line 2: unexpected EOF",
		`[]`:        "line 2: json: cannot unmarshal array",
		strings.Replace(good, `"write"`, `"delete"`, 1):             `line 2: "delete" is no operation`,
		strings.Replace(good, `"ok"`, `"mismatch"`, 1):              `line 2: "mismatch" is no outcome of "write"`,
		strings.Replace(good, `"return":2`, `"return":0`, 1):        "line 2: it returns before its call",
		strings.Replace(good, `"value":"1"`, `"value":null`, 1):     "line 2: it has no value",
		strings.Replace(good, `"write"`, `"cas"`, 1):                "line 2: only compare-and-swap expects a value",
		strings.Replace(good, `"register":"1"`, `"register":""`, 1): "line 2: it names no register",
		strings.Replace(good, `"client":0`, `"client":-1`, 1):       "line 2: its client is no number from 0 on",
		strings.Replace(good, `"value":"1"`, `"value":`+long(), 1):  "line 2: bufio.Scanner: token too long",
	} {
		err := run([]string{written(t, good, bad)}, &bytes.Buffer{})
		if err == nil || !strings.HasPrefix(err.Error(), says) {
			t.Errorf("%.80s: %v", bad, err)
		}
	}
}

func written(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "history.jsonl")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func long() string {
	return `"` + strings.Repeat("x", 2<<20) + `"`
}
