package node

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/almoner/almoner/services/internal/platform/database"
)

// refusals collects what a configuration must not be.
type refusals []error

func (r *refusals) add(wrong bool, format string, args ...any) {
	if wrong {
		*r = append(*r, fmt.Errorf(format, args...))
	}
}

// check holds variables against each other. Production refuses whatever could
// lose money or publish it; development refuses whatever could touch the real
// world. Only what the process's own services need is asked for.
func (c *Config) check() error {
	var r refusals
	c.checkStripe(&r)
	if c.purpose == toRun {
		c.checkParts(&r)
		c.checkLinks(&r)
	}
	if c.Environment == production {
		c.checkProduction(&r)
	} else {
		c.checkDevelopment(&r)
	}
	return errors.Join(r...)
}

func (c *Config) checkStripe(r *refusals) {
	if !c.runs("donation") || c.purpose == toMigrate {
		return
	}
	live := strings.Contains(c.StripeKey.Reveal(), "_live_")
	if c.purpose == toRun {
		r.add(c.StripeKey.IsSet() && len(c.WebhookSecrets) == 0,
			"STRIPE_WEBHOOK_SECRETS: is empty; anybody could send forged webhooks")
	}
	r.add(!c.StripeKey.IsSet() && len(c.WebhookSecrets) > 0,
		"STRIPE_WEBHOOK_SECRETS: is set without STRIPE_SECRET_KEY")
	r.add(!c.StripeKey.IsSet() && c.StripeURL != "",
		"ALMONER_STRIPE_URL: is set without STRIPE_SECRET_KEY (a simulator takes any sk_test_ key)")
	r.add(live && c.StripeURL != "", "ALMONER_STRIPE_URL: is for test keys only")
	r.add(live && c.Environment != production,
		"STRIPE_SECRET_KEY: is a live key; development refuses real money (set ALMONER_ENV=production)")
}

// checkParts refuses a process that runs a part and lacks a way to the others.
func (c *Config) checkParts(r *refusals) {
	if c.whole() {
		return
	}
	r.add(c.runs(Services()...) && c.NATSURL == "",
		"ALMONER_NATS_URL: is empty; the embedded server is for a process that runs everything, and the other parts use one of their own")
	r.add(c.runs(Services()...) && c.GRPCAddr == "",
		"ALMONER_GRPC_ADDR: is empty; the other parts could not ask %s", strings.Join(c.services(), ", "))
	for _, sibling := range c.siblings() {
		r.add(c.PeerAddrs[sibling] == "", "ALMONER_%s_ADDR: is empty; %s is asked and runs in another process", strings.ToUpper(sibling), sibling)
	}
	r.add(c.simulated(),
		"STRIPE_SECRET_KEY: is empty; the embedded simulator is for a process that runs everything (one of its own takes any sk_test_ key, and ALMONER_STRIPE_URL says where it is)")
	r.add(c.runs("donation", "fundraiser", "receipt") && !c.runs("web") && c.BaseURL == "",
		"ALMONER_BASE_URL: is empty; links lead to the site, which another process serves")
	r.add(c.runs("web") && !c.PersonKey.IsSet(),
		"ALMONER_PERSON_KEY: is empty; the other parts would believe nobody who signs in (almoner keys person makes one)")
	r.add(!c.runs("web") && c.PersonPublicKey == "",
		"ALMONER_PERSON_PUBLIC_KEY: is empty; nobody who signs in would be believed (almoner keys person makes it)")
	if c.runs("web") && c.PersonKey.IsSet() && c.PersonPublicKey != "" {
		_, public, err := c.personKeys()
		r.add(err != nil || !public.Equal(c.publicPersonKey()), "ALMONER_PERSON_PUBLIC_KEY: is not the other half of ALMONER_PERSON_KEY")
	}
	r.add(!c.runs("donation", "web") && c.OpsAddr == "",
		"ALMONER_OPS_ADDR: is empty; this process serves no site, so its health would be nowhere")
}

// checkLinks refuses connections between processes on which anybody could speak.
func (c *Config) checkLinks(r *refusals) {
	files := map[string]string{"ALMONER_GRPC_CERT": c.GRPCCert, "ALMONER_GRPC_KEY": c.GRPCKey, "ALMONER_GRPC_CA": c.GRPCCA}
	given := 0
	for _, file := range files {
		if file != "" {
			given++
		}
	}
	if given > 0 {
		for name, file := range files {
			r.add(file == "", "%s: is empty; certificate, key and authority belong together", name)
		}
		return
	}
	linked := c.GRPCAddr != "" || len(c.siblings()) > 0
	r.add(linked && c.Environment == production,
		"ALMONER_GRPC_CERT: is empty; in production, processes speak to each other over mutual TLS alone")
	for _, sibling := range c.siblings() {
		addr := c.PeerAddrs[sibling]
		r.add(c.Environment != production && addr != "" && !loopback(addr),
			"ALMONER_%s_ADDR: %s is not a loopback address; plain connections do not leave the machine (set ALMONER_GRPC_CERT, _KEY and _CA)", strings.ToUpper(sibling), addr)
	}
}

func (c *Config) checkProduction(r *refusals) {
	for _, service := range c.services() {
		host := database.Unencrypted(c.databaseURL(service))
		r.add(host != "", "ALMONER_%s_DATABASE_URL: reaches %s over a network without TLS; donors' names and passwords would be readable on the way (set sslmode=verify-full, or at least require)",
			strings.ToUpper(service), host)
	}
	sealed := c.runs("donation", "receipt") && c.purpose != toMigrate
	r.add(sealed && c.SecretKey.IsSet() && len(c.SecretKey.Reveal()) < 32, "ALMONER_SECRET_KEY: is shorter than 32 characters")
	switch c.purpose {
	case toMigrate:
		return
	case toOperate:
		// What is sent again has links, which must be those of the instance.
		r.add(c.SMTPURL.IsSet() && !c.SecretKey.IsSet(), "ALMONER_SECRET_KEY: is empty; links in mails would be dead")
		r.add(!c.StripeKey.IsSet(), "STRIPE_SECRET_KEY: is empty; production refuses the simulator")
		return
	case toRun:
	}
	r.add(c.runs("donation") && !c.StripeKey.IsSet(), "STRIPE_SECRET_KEY: is empty; production refuses the simulator")
	r.add(sealed && !c.SecretKey.IsSet(), "ALMONER_SECRET_KEY: is empty; production needs a key that outlives the machine")
	r.add(c.runs("donation", "fundraiser", "receipt", "web") && !strings.HasPrefix(c.BaseURL, "https://"),
		"ALMONER_BASE_URL: must be an https address in production")
	r.add(c.OpsAddr == "", "ALMONER_OPS_ADDR: is required in production, so that the site does not serve it")
	r.add(c.OpsAddr != "" && c.OpsAddr == c.HTTPAddr, "ALMONER_OPS_ADDR: is the site's own address; metrics and health would be public")
	r.add(c.runs("donation", "fundraiser", "receipt", "web") && !c.SMTPURL.IsSet(), "ALMONER_SMTP_URL: is empty; receipts would not reach anybody")
	r.add(c.runs("web") && !c.hasAdmin(), "ALMONER_STAFF: names no admin; nobody could add staff")
}

func (c *Config) checkDevelopment(r *refusals) {
	for _, row := range []struct{ name, addr string }{
		{"ALMONER_HTTP_ADDR", c.HTTPAddr}, {"ALMONER_OPS_ADDR", c.OpsAddr}, {"ALMONER_STRIPESIM_ADDR", c.StripesimAddr}, {"ALMONER_GRPC_ADDR", c.GRPCAddr},
	} {
		r.add(row.addr != "" && !loopback(row.addr), "%s: %s is not a loopback address; development shows mails and a simulator", row.name, row.addr)
	}
}

func (c *Config) hasAdmin() bool {
	for _, roles := range c.Staff {
		if slices.Contains(roles, "admin") {
			return true
		}
	}
	return false
}
