package anyorder

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
)

// share is how many stories are played between two looks at the books.
const share = 1500

// task is one telling of a script: in which order, and what Stripe never tells.
type task struct {
	*story
	order []int // nil as it happened
	loses bool
}

// Every order of webhooks, with repetitions, ends in the state that the order in which
// things happened ends in, and so does what was lost, once Stripe is asked.
func TestEveryOrderEndsInOneState(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 40)
	chance := rand.New(rand.NewPCG(40, 6))
	orders, losing, told := w.everyOrder(scripts(), chance, map[string]string{})
	t.Logf("%d scripts, %d orders, %d tellings with losses and a sweep, %d webhooks: one state, ledger and totals each", len(scripts()), orders, losing, told)
}

// Debits, too, whether Stripe moves the balance when they are begun or when they end,
// and whether or not somebody looks in between.
func TestEveryOrderOfDebitsEndsInOneState(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 5)
	chance := rand.New(rand.NewPCG(5, 4))
	for _, balance := range []struct {
		name, knob string
		watched    []bool
	}{
		{"moved at their end", "null", []bool{false}},
		{"moved at their beginning", "true", []bool{false, true}},
	} {
		_, taken := w.ask(http.MethodPost, "/_sim/knobs", "application/json", `{"debit_early_transaction": `+balance.knob+`}`)
		if !taken {
			t.Fatal("the simulator does not take the knob")
		}
		outcomes := map[string]string{}
		for _, w.watched = range balance.watched {
			orders, losing, told := w.everyOrder(debits(), chance, outcomes)
			t.Logf("%s, watched %v: %d orders, %d tellings with losses and a sweep, %d webhooks", balance.name, w.watched, orders, losing, told)
		}
	}
}

// everyOrder tells scripts as they happened, in many orders, and with losses, and holds
// what became of each against the others of its script. It answers how much was told.
func (w *world) everyOrder(list []script, chance *rand.Rand, outcomes map[string]string) (inOrder, withLosses, told int) {
	w.t.Helper()
	t := w.t
	specimens := make([]task, len(list))
	for i := range list {
		specimens[i] = task{story: &story{script: list[i]}}
	}
	w.tell(specimens, chance, outcomes)

	var ordered, losing []task
	for _, s := range specimens {
		core, rest := parts(s.letters)
		ways := permutations(len(core))
		if len(ways) > *orders {
			chance.Shuffle(len(ways), func(i, j int) { ways[i], ways[j] = ways[j], ways[i] })
			ways = ways[:*orders]
		}
		for _, way := range ways {
			ordered = append(ordered, task{story: &story{script: s.script}, order: way})
		}
		for range *losses {
			losing = append(losing, task{story: &story{script: s.script}, loses: true})
		}
		t.Logf("%-50s %d webhooks, all orders of %d, %d more in between: %d tellings", s.script.name, len(s.letters), len(core), len(rest), len(ways))
	}
	// What is lost is swept, and must not sweep what was told whole.
	for _, tasks := range [][]task{ordered, losing} {
		done := 0
		for part := range slices.Chunk(tasks, share) {
			told += w.tell(part, chance, outcomes)
			done += len(part)
			t.Logf("%d of %d tellings, %d webhooks so far", done, len(tasks), told)
		}
	}
	return len(ordered), len(losing), told
}

// tell plays scripts, hands in their webhooks, and compares what became of each with
// what became of the first of its script.
func (w *world) tell(tasks []task, chance *rand.Rand, outcomes map[string]string) (told int) {
	w.t.Helper()
	var stories []*story
	letters := map[*story][]webhook{}
	sweep := false
	for _, k := range tasks {
		stories = append(stories, k.story)
	}
	err := w.play(stories)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, k := range tasks {
		letters[k.story] = k.letters
		core, rest := parts(k.letters)
		switch {
		case k.loses:
			sweep = true
			letters[k.story] = dropped(k.letters, chance)
		case k.order != nil && len(k.order) != len(core):
			w.t.Fatalf("%s: %d webhooks, and %d at first", k.script.name, len(core), len(k.order))
		case k.order != nil:
			letters[k.story] = shuffled(core, rest, k.order, chance)
		}
		told += len(letters[k.story])
	}
	err = each(stories, func(s *story) error {
		for _, letter := range letters[s] {
			err := w.hand(letter)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if sweep {
		w.sweep()
	}
	compare := func() error { return w.compare(stories, letters, outcomes) }
	if sweep {
		err = w.inTurn(compare)
	} else {
		w.agree()
		err = compare()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return told
}

// compare holds what became of stories against what became of others of their script.
func (w *world) compare(stories []*story, letters map[*story][]webhook, outcomes map[string]string) error {
	truths := w.truths()
	return each(stories, func(s *story) error {
		outcome, err := w.read(s, truths)
		if err != nil {
			return fmt.Errorf("%w\ntold: %s", err, kinds(letters[s]))
		}
		w.post.mu.Lock()
		defer w.post.mu.Unlock()
		if first, known := outcomes[s.script.name]; known && first != outcome {
			return fmt.Errorf("told as %s it ends as\n%s\ntold as it happened it ends as\n%s", kinds(letters[s]), outcome, first)
		}
		outcomes[s.script.name] = outcome
		return nil
	})
}

func kinds(letters []webhook) []string {
	var out []string
	for _, l := range letters {
		out = append(out, l.kind)
	}
	return out
}

// agree audits: Σ postings is 0, nothing is parked, every sum is the same in all
// services, and the ledger's Stripe balance is Stripe's.
func (w *world) agree() {
	w.t.Helper()
	report := w.quiet()
	if report.ExitCode() != 0 {
		var table bytes.Buffer
		_ = report.WriteTable(&table)
		w.t.Fatalf("the audit does not agree:\n%s\n%s", table.String(), w.complaints.last())
	}
}
