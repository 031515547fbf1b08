package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/almoner/almoner/services/internal/audit"
	"github.com/almoner/almoner/services/internal/node"
)

// pushTimeout bounds how long a push gateway may take.
const pushTimeout = 10 * time.Second

func (p program) audit(ctx context.Context, args []string) error {
	var asJSON bool
	var wait, every time.Duration
	var metrics string
	_, err := p.flags("audit", args, func(set *flag.FlagSet) {
		set.StringVar(&metrics, "metrics", "", "")
		set.BoolVar(&asJSON, "json", false, "")
		set.DurationVar(&wait, "wait", 0, "")
		set.DurationVar(&every, "every", 0, "")
	}, 0)
	if err != nil {
		return err
	}
	if every < 0 {
		return usagef("audit: --every %s is no time", every)
	}
	once := func() error {
		return p.operate(ctx, func(o *node.Operator) error {
			report, err := audit.New(o.Conn()).Run(ctx, wait)
			if err != nil {
				return err
			}
			write := report.WriteTable
			if asJSON {
				write = report.WriteJSON
			}
			err = write(p.stdout)
			if err == nil && metrics != "" {
				// What was found is said all the same where Prometheus cannot be told.
				err = tellPrometheus(ctx, metrics, func(w io.Writer) error { return report.WriteMetrics(w, time.Now()) })
				if err != nil {
					return fmt.Errorf("write metrics: %w", err)
				}
			}
			if err == nil && report.ExitCode() != 0 {
				err = exitError{report.ExitCode()}
			}
			return err
		})
	}
	if every == 0 {
		return once()
	}
	return p.again(ctx, every, once)
}

// again is for where nothing else has a clock, such as a container. What one audit
// finds, or that it could not be made, does not keep the next from being made: an
// alarm rings for the first, another when there is none for long. Only what is
// configured wrongly ends it.
func (p program) again(ctx context.Context, every time.Duration, once func() error) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		err := once()
		var wrong node.ConfigError
		var differs exitError
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &wrong):
			return err
		case err != nil && !errors.As(err, &differs):
			fmt.Fprintf(p.stderr, "almoner: %s\n", explain(err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// tellPrometheus writes metrics to a file, for the node exporter, or to the address
// of a group at a push gateway, in place of what the group had.
func tellPrometheus(ctx context.Context, to string, write func(io.Writer) error) error {
	if !strings.HasPrefix(to, "http://") && !strings.HasPrefix(to, "https://") {
		return replaceFile(to, write)
	}
	var page bytes.Buffer
	err := write(&page)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, pushTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, to, &page)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("the push gateway answers %s", answer.Status)
	}
	return nil
}
