package conformance

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// run runs a command in a folder and answers what it printed.
func run(folder, name string, args ...string) (string, error) {
	command := exec.CommandContext(context.Background(), name, args...)
	command.Dir = folder
	out, err := command.Output()
	if err != nil {
		text := string(out)
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			text += string(failed.Stderr)
		}
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, text)
	}
	return string(out), nil
}
