package topology

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	// poll is how often a condition is looked at that nobody signals.
	poll = 20 * time.Millisecond
	// grace is how long a clean stop may take: the services promise 30 seconds.
	grace = 40 * time.Second
	// tail is how much of a log is shown when its process has failed.
	tail = 2 << 10
)

// process is a program that can be started again and again, one run at a time.
type process struct {
	name, program string
	args, env     []string
	// told are more variables, for runs that begin from here on.
	told []string
	log  string
	// ready asks once whether it answers.
	ready func(context.Context) error
	// quit is how it is asked to stop, and orphaned what the kernel sends it when
	// this process dies.
	quit, orphaned syscall.Signal
	credential     *syscall.Credential
	// ended is told of a run that nobody asked to end.
	ended func(name string, err error)

	mu      sync.Mutex
	current *run
}

// run is one life of a process.
type run struct {
	cmd *exec.Cmd
	// over is closed when it has ended; err says how.
	over chan struct{}
	err  error
	// asked says that its end is wanted. The process's mu guards it.
	asked bool
}

// start begins a run. It does not wait until it is ready.
func (p *process) start(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current != nil && !p.current.hasEnded() {
		return fmt.Errorf("start %s: it runs", p.name)
	}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	// The child has its own copy.
	defer log.Close()
	cmd := exec.CommandContext(context.WithoutCancel(ctx), p.program, p.args...) //nolint:gosec // our own programs
	cmd.Env, cmd.Dir = slices.Concat(p.env, p.told), "/"
	cmd.Stdout, cmd.Stderr = log, log
	// A group of its own: ^C in a terminal reaches the launcher alone, which stops
	// the parts in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: p.credential}
	dieWithParent(cmd.SysProcAttr, p.orphaned)
	err = cmd.Start()
	if err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	r := &run{cmd: cmd, over: make(chan struct{})}
	p.current = r
	go func() {
		r.err = cmd.Wait()
		close(r.over)
		p.mu.Lock()
		asked := r.asked
		p.mu.Unlock()
		if !asked && p.ended != nil {
			p.ended(p.name, r.err)
		}
	}()
	return nil
}

func (r *run) hasEnded() bool {
	select {
	case <-r.over:
		return true
	default:
		return false
	}
}

// waitReady waits until the process answers, it has ended, or ctx is over.
func (p *process) waitReady(ctx context.Context) error {
	p.mu.Lock()
	r := p.current
	p.mu.Unlock()
	if r == nil {
		return fmt.Errorf("%s was never started", p.name)
	}
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		err := p.ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-r.over:
			return fmt.Errorf("%s ended before it was ready: %w\n%s", p.name, r.ending(), p.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w (%w)\n%s", p.name, err, ctx.Err(), p.lastWords())
		case <-tick.C:
		}
	}
}

func (r *run) ending() error {
	if r.err == nil {
		return errors.New("exit code 0")
	}
	return r.err
}

// stop asks the process to end and waits for it. One that does not within the
// grace is killed, and that is an error; so is an end with a code.
func (p *process) stop() error {
	r := p.ask(p.quit)
	if r == nil {
		return nil
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-r.over:
	case <-timer.C:
		p.kill()
		return fmt.Errorf("%s did not stop within %s and was killed\n%s", p.name, grace, p.lastWords())
	}
	if r.err != nil {
		return fmt.Errorf("%s stopped with a failure: %w\n%s", p.name, r.err, p.lastWords())
	}
	return nil
}

// kill ends the process as a power cut would, and waits until it is gone.
func (p *process) kill() {
	r := p.ask(syscall.SIGKILL)
	if r != nil {
		<-r.over
	}
}

// ask sends a signal to the run, if there is one; its end is wanted from here on.
func (p *process) ask(signal syscall.Signal) *run {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current == nil || p.current.hasEnded() {
		return nil
	}
	p.current.asked = true
	_ = p.current.cmd.Process.Signal(signal) // it may have ended by itself meanwhile
	return p.current
}

// pid of the run; 0 when there is none.
func (p *process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current == nil || p.current.hasEnded() {
		return 0
	}
	return p.current.cmd.Process.Pid
}

// lastWords is the end of its log.
func (p *process) lastWords() string {
	content, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	if len(content) > tail {
		content = content[len(content)-tail:]
		_, content, _ = bytes.Cut(content, []byte("\n"))
	}
	return string(content)
}

// answers asks an address for its health. It is for processes that say 200 when
// they can work.
func answers(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := get(ctx, address)
		return err
	}
}

// get returns what an address answers with 200.
func get(ctx context.Context, address string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	// Each question on a connection of its own: one that the process's last life
	// left behind would answer nothing.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %d: %s", address, resp.StatusCode, body)
	}
	return body, nil
}
