package app

import (
	"maps"
	"testing"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"pgregory.net/rapid"
)

// However changes and readings fall among each other, and however small the
// pieces: who reads to the end knows what the board shows, was told nothing
// twice that did not change, and never an older state after a newer one.
func TestWhoReadsTheBoardToItsEndKnowsIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := newBoard()
		shown := map[string]WatchedTotal{}
		type reader struct {
			mark  boardMark
			knows map[string]WatchedTotal
		}
		readers := make([]reader, 3)
		for i := range readers {
			readers[i].knows = map[string]WatchedTotal{}
		}
		read := func(r *reader, limit int) (more bool) {
			lines, mark, wait := b.read(r.mark, limit)
			for _, line := range lines {
				if line.Total.AsOf <= r.knows[line.PageSlug].Total.AsOf {
					t.Fatalf("told %v after %v", line, r.knows[line.PageSlug])
				}
				r.knows[line.PageSlug] = line
			}
			if len(lines) > limit {
				t.Fatalf("%d lines, at most %d were asked for", len(lines), limit)
			}
			r.mark = mark
			return wait == nil
		}
		position := int64(0)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "reads") {
				read(&readers[rapid.IntRange(0, 2).Draw(t, "who")], rapid.IntRange(1, 4).Draw(t, "limit"))
				continue
			}
			changed := map[string]WatchedTotal{}
			for _, id := range rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}), 0, 4).Draw(t, "ids") {
				position++
				changed[id] = WatchedTotal{AppealSlug: "appeal", PageSlug: id, Total: domain.Total{AsOf: position}}
			}
			maps.Copy(shown, changed)
			b.show(1, changed, false)
		}
		for i := range readers {
			for read(&readers[i], 2) {
			}
			if !maps.Equal(readers[i].knows, shown) {
				t.Fatalf("reader %d knows %v of %v", i, readers[i].knows, shown)
			}
		}
	})
}

func TestACompleteBoardIsWipedOfTheRest(t *testing.T) {
	t.Parallel()
	b := newBoard()
	line := func(id string) WatchedTotal { return WatchedTotal{AppealSlug: "appeal", PageSlug: id} }
	b.show(1, map[string]WatchedTotal{"a": line("a"), "b": line("b")}, true)
	_, mark, wait := b.read(boardMark{}, 10)
	b.show(1, map[string]WatchedTotal{"a": line("a")}, false)
	select {
	case <-wait:
		t.Error("woken for nothing")
	default:
	}
	b.show(2, map[string]WatchedTotal{"a": line("a")}, true)
	<-wait
	lines, after, _ := b.read(mark, 10)
	if len(lines) != 0 || after.revision != 2 {
		t.Errorf("%v at %+v", lines, after)
	}
	all, _, _ := b.read(boardMark{}, 10)
	if len(all) != 1 || all[0] != line("a") {
		t.Errorf("%v", all)
	}
}
