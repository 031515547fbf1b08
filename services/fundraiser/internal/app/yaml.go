package app

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
	"go.yaml.in/yaml/v3"
)

// FileProblem is one thing wrong with a file.
type FileProblem struct {
	Line    int    // where; 0 when it is about the whole file
	Path    string // what, such as appeals[0].minimum; may be empty
	Message string
}

func (p FileProblem) String() string {
	text := p.Message
	if p.Path != "" {
		text = p.Path + " " + text
	}
	if p.Line > 0 {
		text = fmt.Sprintf("line %d: %s", p.Line, text)
	}
	return text
}

// InvalidFileError says everything that is wrong with a file. Nothing of it
// was loaded.
type InvalidFileError struct {
	Problems []FileProblem // by line
}

func (e *InvalidFileError) Error() string {
	texts := make([]string, 0, len(e.Problems))
	for _, p := range e.Problems {
		texts = append(texts, p.String())
	}
	return "nothing was loaded: " + strings.Join(texts, "\n")
}

// source remembers on which line each part of a file is.
type source struct {
	lines map[string]int
}

// decodeStrict reads one YAML document. A key that nobody reads is a mistake
// (mostly a misspelt one), so it is refused and not passed over.
func decodeStrict(r io.ReadSeeker, into any) (source, error) {
	var root yaml.Node
	decoder := yaml.NewDecoder(r)
	err := decoder.Decode(&root)
	if errors.Is(err, io.EOF) {
		return source{}, &InvalidFileError{Problems: []FileProblem{{Message: "the file is empty"}}}
	}
	if err != nil {
		return source{}, yamlProblem(err)
	}
	err = decoder.Decode(new(yaml.Node))
	if err == nil {
		return source{}, &InvalidFileError{Problems: []FileProblem{{Message: "the file holds more than one YAML document"}}}
	}
	if !errors.Is(err, io.EOF) {
		return source{}, yamlProblem(err)
	}

	src := source{lines: map[string]int{}}
	src.note("", &root)
	_, err = r.Seek(0, io.SeekStart)
	if err != nil {
		return source{}, fmt.Errorf("read file again: %w", err)
	}
	strict := yaml.NewDecoder(r)
	strict.KnownFields(true)
	err = strict.Decode(into)
	if err != nil {
		return source{}, yamlProblem(err)
	}
	return src, nil
}

// note walks the document. An alias stands where it is used, so what it points
// to is not walked again: a file of nested aliases would never end.
func (s source) note(path string, node *yaml.Node) {
	if path != "" {
		s.lines[path] = node.Line
	}
	switch node.Kind {
	case yaml.DocumentNode:
		for _, child := range node.Content {
			s.note(path, child)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			key, value := node.Content[i], node.Content[i+1]
			at := strings.TrimPrefix(path+"."+key.Value, ".")
			s.note(at, value)
			// The key's line, not the value's: a list begins a line later.
			s.lines[at] = key.Line
		}
	case yaml.SequenceNode:
		for i, child := range node.Content {
			s.note(fmt.Sprintf("%s[%d]", path, i), child)
		}
	case yaml.ScalarNode, yaml.AliasNode:
	}
}

// line is where a path is, or for what is missing, where it should be.
func (s source) line(path string) int {
	for path != "" {
		line, known := s.lines[path]
		if known {
			return line
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return 0
}

func (s source) where(path string) string {
	return fmt.Sprintf("%s on line %d", path, s.line(path))
}

// invalid turns what the rules found into what an operator can mend.
func (s source) invalid(problems domain.Problems) *InvalidFileError {
	var found []FileProblem
	for _, p := range problems {
		found = append(found, FileProblem{Line: s.line(p.Path), Path: p.Path, Message: p.Message})
	}
	slices.SortStableFunc(found, func(a, b FileProblem) int { return a.Line - b.Line })
	return &InvalidFileError{Problems: found}
}

// yamlProblem says in our words what the YAML reader said in Go's.
func yamlProblem(err error) error {
	var mismatch *yaml.TypeError
	if !errors.As(err, &mismatch) {
		text := strings.TrimPrefix(err.Error(), "yaml: ")
		return &InvalidFileError{Problems: []FileProblem{fromYAML(text)}}
	}
	var found []FileProblem
	for _, text := range mismatch.Errors {
		field, _, unknown := strings.Cut(text, " not found in type ")
		if unknown {
			text = strings.Replace(field, "field ", "unknown key ", 1)
		}
		text, _, _ = strings.Cut(text, " into app.")
		found = append(found, fromYAML(text))
	}
	return &InvalidFileError{Problems: found}
}

// fromYAML takes the "line 7: " that the reader begins its messages with.
func fromYAML(text string) FileProblem {
	var line int
	_, err := fmt.Sscanf(text, "line %d:", &line)
	if err != nil {
		return FileProblem{Message: text}
	}
	_, text, _ = strings.Cut(text, ": ")
	return FileProblem{Line: line, Message: text}
}
