package archtest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	// The catalogue is read from the descriptors of the contracts.
	_ "github.com/almoner/almoner/proto/gen/almoner/donation/v1"
	_ "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
)

// Event is one row of the catalogue.
type Event struct {
	Name     string
	Producer string
	// Consumers as their package documentation names them.
	Consumers []string
}

// Talk is what a service's package documentation says of its events.
type Talk struct{ Publishes, Consumes []string }

// ParseTalk reads the lines "Publishes: …" and "Consumes: …" of a package comment.
// A line may go on below, indented or not, until an empty line.
func ParseTalk(doc string) Talk {
	read := func(word string) []string {
		_, after, found := strings.Cut(doc, word+":")
		if !found {
			return nil
		}
		paragraph, _, _ := strings.Cut(after, "\n\n")
		for _, other := range []string{"Publishes:", "Consumes:"} {
			paragraph, _, _ = strings.Cut(paragraph, other)
		}
		return eventName.FindAllString(paragraph, -1)
	}
	return Talk{Publishes: read("Publishes"), Consumes: read("Consumes")}
}

// eventName matches names in past tense camel case, qualified or not.
var eventName = regexp.MustCompile(`\b[A-Z][a-z]+(?:[A-Z][a-z]+)+\b`)

// Events lists every event of the contracts: the messages of events.proto that
// are named in the past tense after a noun of the field.
func Events() []Event {
	var events []Event
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		path := file.Path()
		if !strings.HasPrefix(path, "almoner/") || !strings.HasSuffix(path, "/events.proto") {
			return true
		}
		producer := strings.Split(path, "/")[1]
		messages := file.Messages()
		for i := range messages.Len() {
			name := string(messages.Get(i).Name())
			// Parts of events are no events. What has begun and takes days is one, too.
			if strings.HasSuffix(name, "ed") || strings.HasSuffix(name, "Processing") {
				events = append(events, Event{Name: string(messages.Get(i).FullName()), Producer: producer})
			}
		}
		return true
	})
	slices.SortFunc(events, func(a, b Event) int { return strings.Compare(a.Name, b.Name) })
	return events
}

// Catalogue joins the contracts with what the services say, and lists what does
// not fit: an event nobody publishes or nobody consumes should not exist.
func Catalogue(events []Event, talk map[string]Talk) (rows []Event, faults []string) {
	known := map[string]bool{}
	for _, event := range events {
		short := event.Name[strings.LastIndexByte(event.Name, '.')+1:]
		known[short] = true
		if !slices.Contains(talk[event.Producer].Publishes, short) {
			faults = append(faults, fmt.Sprintf("%s is in the contracts, but %s does not say that it publishes it", event.Name, event.Producer))
		}
		for _, service := range Services() {
			if slices.Contains(talk[service].Consumes, short) {
				event.Consumers = append(event.Consumers, service)
			}
		}
		if len(event.Consumers) == 0 {
			faults = append(faults, event.Name+" is consumed by nobody")
		}
		rows = append(rows, event)
	}
	for _, service := range Services() {
		for _, name := range slices.Concat(talk[service].Publishes, talk[service].Consumes) {
			if !known[name] {
				faults = append(faults, fmt.Sprintf("%s speaks of %s, which is in no contract", service, name))
			}
		}
	}
	return rows, faults
}

// Table renders the catalogue for proto/README.md.
func Table(rows []Event) string {
	var table strings.Builder
	table.WriteString("| event | published by | consumed by |\n|---|---|---|\n")
	for _, row := range rows {
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", row.Name, row.Producer, strings.Join(row.Consumers, ", "))
	}
	return table.String()
}
