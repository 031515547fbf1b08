package node

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/almoner/almoner/services/donation"
	"github.com/almoner/almoner/services/internal/money"
	"github.com/almoner/almoner/services/internal/platform/config"
	"github.com/almoner/almoner/services/internal/platform/httpserver"
)

func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func address(target *string) func(string) error {
	return func(value string) error {
		*target = value
		if value == "" {
			return nil
		}
		_, port, err := net.SplitHostPort(value)
		if err != nil {
			return fmt.Errorf("%q is not host:port", value)
		}
		_, err = strconv.ParseUint(port, 10, 16)
		if err != nil {
			return fmt.Errorf("%q has no port number", value)
		}
		return nil
	}
}

func baseURL(target *string) func(string) error {
	return func(value string) error {
		*target = strings.TrimSuffix(value, "/")
		if value == "" {
			return nil
		}
		parsed, err := url.Parse(value)
		if err != nil || parsed.Host == "" || (parsed.Scheme != "http" && parsed.Scheme != "https") {
			return fmt.Errorf("%q is not an http or https address", value)
		}
		if parsed.Path != "" && parsed.Path != "/" || parsed.RawQuery != "" || parsed.Fragment != "" {
			return fmt.Errorf("%q has more than a host; links within the site start at its root", value)
		}
		return nil
	}
}

func mailAddress(target *string) func(string) error {
	return func(value string) error {
		*target = value
		if value == "" {
			return nil
		}
		parsed, err := netmail.ParseAddress(value)
		if err != nil || parsed.Address != value {
			return fmt.Errorf("%q is not a plain mail address", value)
		}
		return nil
	}
}

// staff reads email:role pairs; the roles of one address join.
func staff(target *map[string][]string) func(string) error {
	return func(value string) error {
		var parts []string
		err := config.List(&parts)(value)
		if err != nil {
			return err
		}
		*target = map[string][]string{}
		for _, part := range parts {
			email, role, _ := strings.Cut(part, ":")
			var address string
			err := mailAddress(&address)(strings.ToLower(email))
			if err != nil || address == "" {
				return fmt.Errorf("%q is not email:role", part)
			}
			if !slices.Contains([]string{"viewer", "accountant", "admin"}, role) {
				return fmt.Errorf("there is no role %q; viewer, accountant or admin", role)
			}
			(*target)[address] = append((*target)[address], role)
		}
		return nil
	}
}

func replicas(target *int) func(string) error {
	return func(value string) error {
		if value != "1" && value != "3" {
			return fmt.Errorf("is %q; 1 or 3 (2 and 4 survive no more failures)", value)
		}
		*target = int(value[0] - '0')
		return nil
	}
}

func stripeKey(target *config.Secret) func(string) error {
	return func(value string) error {
		for _, prefix := range []string{"sk_test_", "sk_live_", "rk_test_", "rk_live_"} {
			if strings.HasPrefix(value, prefix) {
				return config.Hidden(target)(value)
			}
		}
		if value != "" {
			return errors.New("is no secret key (sk_… or rk_…)")
		}
		return nil
	}
}

func secrets(target *[]config.Secret) func(string) error {
	return func(value string) error {
		var parts []string
		err := config.List(&parts)(value)
		if err != nil {
			return err
		}
		*target = nil
		for _, part := range parts {
			*target = append(*target, config.NewSecret(part))
		}
		return nil
	}
}

// paymentMethods are how donors may pay. Cards are always among them: in most
// currencies there is nothing else.
func paymentMethods(target *[]string) func(string) error {
	return func(value string) error {
		err := config.List(target)(value)
		if err != nil {
			return err
		}
		for _, method := range *target {
			if !slices.Contains(donation.PaymentMethods(), method) {
				return fmt.Errorf("there is no method %q; %s", method, strings.Join(donation.PaymentMethods(), ", "))
			}
		}
		if len(*target) > 0 && !slices.Contains(*target, "card") {
			return errors.New("leaves out card, which is all there is in most currencies")
		}
		return nil
	}
}

// refundLimit reads amounts in whole units, one a currency: EUR 500, JPY 50000.
func refundLimit(target *map[string]int64) func(string) error {
	return func(value string) error {
		var parts []string
		err := config.List(&parts)(value)
		if err != nil {
			return err
		}
		*target = map[string]int64{}
		for _, part := range parts {
			// With a colon it is one word, which files of variables need.
			code, number, _ := strings.Cut(strings.Replace(part, ":", " ", 1), " ")
			currency, err := money.ParseCurrency(code)
			if err != nil {
				return fmt.Errorf("%q does not begin with a currency, such as EUR 500", part)
			}
			if _, again := (*target)[currency.Code()]; again {
				return fmt.Errorf("names %s twice", currency)
			}
			units, err := strconv.ParseUint(strings.TrimSpace(number), 10, 31)
			if err != nil {
				return fmt.Errorf("%q is no whole amount, such as EUR 500", part)
			}
			minor := int64(units)
			for range currency.Exponent() {
				minor *= 10
			}
			(*target)[currency.Code()] = minor
		}
		return nil
	}
}

func proxies(target *[]netip.Prefix) func(string) error {
	return func(value string) error {
		var parts []string
		err := config.List(&parts)(value)
		if err != nil {
			return err
		}
		*target, err = httpserver.ParseProxies(parts)
		return err
	}
}

// entry sets a value of a map, if there is one.
func entry(target map[string]string, key string) func(string) error {
	return func(value string) error {
		if value != "" {
			target[key] = value
		}
		return nil
	}
}

// peer is the address of a service that runs elsewhere.
func peer(target map[string]string, service string) func(string) error {
	return func(value string) error {
		var addr string
		err := address(&addr)(value)
		if err != nil {
			return err
		}
		return entry(target, service)(addr)
	}
}

// personSeed is what web signs acting people with.
func personSeed(target *config.Secret) func(string) error {
	return func(value string) error {
		seed, err := hex.DecodeString(value)
		if err != nil || value != "" && len(seed) != ed25519.SeedSize {
			return fmt.Errorf("is not %d hex digits (almoner keys person makes one)", 2*ed25519.SeedSize)
		}
		return config.Hidden(target)(value)
	}
}

func personPublic(target *string) func(string) error {
	return func(value string) error {
		key, err := hex.DecodeString(value)
		if err != nil || value != "" && len(key) != ed25519.PublicKeySize {
			return fmt.Errorf("%q is not %d hex digits", value, 2*ed25519.PublicKeySize)
		}
		if len(key) > 0 && !slices.ContainsFunc(key, func(b byte) bool { return b != 0 }) {
			// It stands where a real one is to be put. It is a point of the curve's small
			// order, for which anybody can make signatures.
			return errors.New("is all zeros, which is nobody's (deploy/prepare and almoner keys person make a real one)")
		}
		*target = value
		return nil
	}
}

func milliseconds(target *time.Duration) func(string) error {
	return func(value string) error {
		count, err := strconv.ParseUint(value, 10, 31)
		if err != nil || count == 0 {
			return fmt.Errorf("%q is no number of milliseconds", value)
		}
		*target = time.Duration(count) * time.Millisecond
		return nil
	}
}
