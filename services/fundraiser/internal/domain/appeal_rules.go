package domain

import (
	"fmt"
	"time"
)

// appealStoryLongest bounds an appeal's story, in characters.
const appealStoryLongest = 20_000

// AppealAction is what staff do with an appeal.
type AppealAction string

// The actions.
const (
	PublishAppeal AppealAction = "publish"
	CloseAppeal   AppealAction = "close"
	ReopenAppeal  AppealAction = "reopen"
)

// appealActions says where each action leads from each state; what is not in it
// cannot be done. What is so already stays so, so that a button pressed twice
// does what it did once. No way leads back to a draft: gifts refer to it.
var appealActions = map[AppealAction]map[State]State{
	PublishAppeal: {Draft: Live, Live: Live},
	CloseAppeal:   {Live: Closed, Closed: Closed},
	ReopenAppeal:  {Closed: Live, Live: Live},
}

// After is the state that an action leads to, false if it cannot be done.
func (a Appeal) After(action AppealAction) (State, bool) {
	next, can := appealActions[action][a.State]
	return next, can
}

// Ended tells whether the appeal's last day has passed.
func (a Appeal) Ended(now time.Time) bool { return !a.EndsAt.IsZero() && !now.Before(a.EndsAt) }

// CheckStory says what is wrong with a story in Markdown, "" if nothing.
func CheckStory(story string) string {
	switch {
	case !Visible(story):
		return isMissing
	case Characters(story) > appealStoryLongest || len(story) > 4*appealStoryLongest:
		return fmt.Sprintf("has more than %d characters", appealStoryLongest)
	}
	return ""
}

// Days are dates as people write them, 2026-12-31, in a time zone; "" for none.
// A zone's day can begin at one o'clock or, as Go reads such a night, at eleven
// the evening before: an hour of both is told by looking two hours later.
const intoDay = 2 * time.Hour

// FirstDay is the day that begins at an instant.
func FirstDay(starts time.Time, zone *time.Location) string {
	if starts.IsZero() {
		return ""
	}
	return starts.Add(intoDay).In(zone).Format(time.DateOnly)
}

// LastDay is the day that ends at an instant.
func LastDay(ends time.Time, zone *time.Location) string {
	if ends.IsZero() {
		return ""
	}
	return ends.Add(intoDay).In(zone).AddDate(0, 0, -1).Format(time.DateOnly)
}
