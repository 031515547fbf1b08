package node

import (
	"fmt"
	"slices"
	"strings"
)

// Services that tell and listen, in the order in which they are opened.
func Services() []string { return []string{"donation", "fundraiser", "receipt", "ledger"} }

// Databases are those of the services, and of web, which keeps sessions and has
// no feed.
func Databases() []string { return append(Services(), "web") }

// asks are the services that a service has questions for, and whose feeds it
// applies. Nobody asks web.
func asks(service string) []string {
	return map[string][]string{
		"donation":   {"fundraiser"},
		"fundraiser": {"donation"},
		"receipt":    {"donation", "fundraiser"},
		"ledger":     {"donation", "fundraiser"},
		"web":        Services(),
	}[service]
}

// ParseTarget reads the services that a process is to run, separated by commas.
// None named are all.
func ParseTarget(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	var target []string
	for _, service := range strings.Split(text, ",") {
		service = strings.TrimSpace(service)
		switch {
		case !slices.Contains(Databases(), service):
			return nil, fmt.Errorf("there is no service %q; %s", service, strings.Join(Databases(), ", "))
		case slices.Contains(target, service):
			return nil, fmt.Errorf("%s is named twice", service)
		}
		target = append(target, service)
	}
	return target, nil
}

// services of the process, in the order in which they are opened.
func (c *Config) services() []string {
	return slices.DeleteFunc(Databases(), func(service string) bool { return !c.runs(service) })
}

// runs says that the process runs one of these services.
func (c *Config) runs(services ...string) bool {
	return len(c.Target) == 0 || slices.ContainsFunc(services, func(service string) bool { return slices.Contains(c.Target, service) })
}

// whole says that the process runs everything, and needs nobody.
func (c *Config) whole() bool { return len(c.services()) == len(Databases()) }

// siblings are the services that those of the process ask and that run elsewhere.
func (c *Config) siblings() []string {
	return slices.DeleteFunc(Services(), func(sibling string) bool {
		return c.runs(sibling) || !slices.ContainsFunc(c.services(), func(service string) bool { return slices.Contains(asks(service), sibling) })
	})
}
