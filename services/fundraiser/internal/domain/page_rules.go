package domain

import (
	"fmt"
	"unicode/utf8"

	"github.com/almoner/almoner/services/internal/apperr"
)

// storyLongest bounds a supporter's story, in characters.
const storyLongest = 20_000

// PageInput is what a supporter writes about a page.
type PageInput struct {
	AppealSlug string
	Slug       string // empty for one made from the title
	Title      string
	Owner      string
	Goal       int64 // minor units of the appeal's currency
	Story      string
}

// Clean is the input as it can be kept.
func (in PageInput) Clean() PageInput {
	in.Title, in.Owner, in.Story = OneLine(in.Title), OneLine(in.Owner), Text(in.Story)
	return in
}

// Faults says what is wrong with a cleaned input, in the order of the form. A
// draft may still lack its story.
func (in PageInput) Faults() []apperr.Field {
	var faults []apperr.Field
	add := func(name, reason, message string) {
		faults = append(faults, apperr.Field{Name: name, Reason: reason, Message: message})
	}
	line := func(name, reason, text, what string) {
		switch {
		case !Visible(text):
			add(name, reason+"_MISSING", "Enter "+what+".")
		case Characters(text) > nameLongest:
			add(name, reason+"_TOO_LONG", fmt.Sprintf("Use at most %d characters.", nameLongest))
		}
	}
	if in.AppealSlug == "" {
		add("appeal_slug", "APPEAL_MISSING", "Choose what you raise money for.")
	}
	if in.Slug != "" {
		problem := CheckSlug(in.Slug)
		if problem != "" {
			add("slug", "SLUG_INVALID", "The address "+problem+".")
		}
	}
	line("title", "TITLE", in.Title, "a title")
	line("owner_name", "OWNER_NAME", in.Owner, "the name to show")
	switch {
	case in.Goal <= 0:
		add("goal_minor", "GOAL_MISSING", "Enter a goal above zero.")
	case in.Goal > LargestGoal:
		add("goal_minor", "GOAL_TOO_LARGE", "This goal is too large to be counted.")
	}
	if utf8.RuneCountInString(in.Story) > storyLongest {
		add("story_markdown", "STORY_TOO_LONG", fmt.Sprintf("Use at most %d characters.", storyLongest))
	}
	return faults
}

// Input is what the page says now, under the appeal at that address.
func (p Page) Input(appealSlug string) PageInput {
	return PageInput{AppealSlug: appealSlug, Slug: p.Slug, Title: p.Title, Owner: p.Owner, Goal: p.Goal, Story: p.Story}
}

// Unfinished says what a page lacks to be published under an appeal that takes
// gifts.
func (p Page) Unfinished(appealSlug string) []apperr.Field {
	faults := p.Input(appealSlug).Faults()
	if !Visible(p.Story) {
		faults = append(faults, apperr.Field{Name: "story_markdown", Reason: "STORY_MISSING", Message: "Write why you raise money."})
	}
	return faults
}

// Published tells whether the page was ever shown. Its address and its appeal
// are then fixed: the one was shared, the other has its gifts.
func (p Page) Published() bool { return p.State != Draft }

// Action is what an owner does with a page.
type Action string

// The actions.
const (
	Publish Action = "publish"
	Pause   Action = "pause"
	Resume  Action = "resume"
	Close   Action = "close"
	Discard Action = "discard"
)

// actions says where each action leads from each state; what is not in it
// cannot be done. What is so already stays so, so that a button pressed twice
// does what it did once.
var actions = map[Action]map[State]State{
	Publish: {Draft: Live, Live: Live},
	Pause:   {Live: Paused, Paused: Paused},
	Resume:  {Paused: Live, Live: Live},
	Close:   {Live: Closed, Paused: Closed, Closed: Closed},
	Discard: {Draft: Draft}, // there is nothing left that could have a state
}

// After is the state that an action leads to, false if it cannot be done.
func (s State) After(action Action) (State, bool) {
	next, can := actions[action][s]
	return next, can
}
