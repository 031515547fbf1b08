package deploy

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

func compose(t *testing.T, names ...string) *types.Project {
	t.Helper()
	var paths []string
	for _, name := range names {
		path, err := filepath.Abs(filepath.Join(files, "compose", name))
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	options, err := cli.NewProjectOptions(paths, cli.WithEnv([]string{
		"ALMONER_BASE_URL=https://give.example.org", "ALMONER_MAIL_FROM=receipts@example.org",
		"ALMONER_STAFF=admin@example.org:admin",
	}), cli.WithResolvedPaths(true), cli.WithoutEnvironmentResolution)
	if err != nil {
		t.Fatal(err)
	}
	// It reads by the format's own schema and refuses what that does not know.
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestComposeFitsTogether(t *testing.T) {
	known := variables(t)
	base, err := filepath.Abs(files)
	if err != nil {
		t.Fatal(err)
	}
	inPlace := func(path string) string {
		// What stands under secrets/ is made by prepare.
		inside, found := strings.CutPrefix(path, filepath.Join(base, "secrets")+string(filepath.Separator))
		if found {
			return filepath.Join(secrets(t), inside)
		}
		return path
	}
	for _, names := range [][]string{{"compose.yaml"}, {"compose.yaml", "compose.trial.yaml"}} {
		project := compose(t, names...)
		for name, secret := range project.Secrets {
			_, err := os.Stat(inPlace(secret.File))
			if err != nil {
				t.Errorf("%v: secret %s: %v", names, name, err)
			}
		}
		for name, service := range project.Services {
			for _, volume := range service.Volumes {
				if volume.Type != types.VolumeTypeBind {
					continue
				}
				_, err := os.Stat(inPlace(volume.Source))
				if err != nil {
					t.Errorf("%v: %s: %v", names, name, err)
				}
			}
			if !slices.Contains(services, name) {
				continue
			}
			if !service.ReadOnly || !slices.Contains(service.CapDrop, "ALL") || len(service.Ports) > 0 {
				t.Errorf("%v: %s may more than it needs", names, name)
			}
			var set []string
			for variable := range service.Environment {
				set = append(set, variable)
			}
			if wrong := unread(known, name, set); len(wrong) > 0 {
				t.Errorf("%v: %s does not read %v", names, name, wrong)
			}
		}
	}
}

// Only donation may hold Stripe's key, and only what signs people in holds theirs.
func TestComposeGivesNoServiceAnothersSecrets(t *testing.T) {
	project := compose(t, "compose.yaml")
	holders := map[string][]string{}
	for name, service := range project.Services {
		for _, secret := range service.Secrets {
			holders[secret.Source] = append(holders[secret.Source], name)
		}
	}
	for secret, want := range map[string][]string{
		"stripe-secret-key": {"donation"}, "stripe-webhook-secrets": {"donation"}, "person-key": {"web"},
		"secret-key": {"donation", "receipt"}, "ledger-database": {"ledger"}, "ledger-migrator": {"migrate"}, "ledger-certificate-key": {"ledger"},
		"donation-nats": {"donation"}, "stripe-audit-key": {"audit"}, "ledger-checker": {"audit"},
	} {
		got := slices.Sorted(slices.Values(holders[secret]))
		if !slices.Equal(got, want) {
			t.Errorf("%s is held by %v, want %v", secret, got, want)
		}
	}
}

// The services believe what the proxy says of a donor's address because it comes
// from the proxy's own. On a second network that they share it would have another.
func TestComposeProxyIsSeenByTheAddressThatIsTrusted(t *testing.T) {
	for _, names := range [][]string{{"compose.yaml"}, {"compose.yaml", "compose.trial.yaml"}} {
		project := compose(t, names...)
		proxy := project.Services["proxy"]
		for _, name := range []string{"donation", "web"} {
			service := project.Services[name]
			var shared []string
			for network := range service.Networks {
				if _, both := proxy.Networks[network]; both {
					shared = append(shared, network)
				}
			}
			if !slices.Equal(shared, []string{"front"}) {
				t.Errorf("%v: %s and the proxy share %v", names, name, shared)
				continue
			}
			trusted := service.Environment["ALMONER_TRUSTED_PROXIES"]
			if trusted == nil || *trusted != proxy.Networks["front"].Ipv4Address+"/32" {
				t.Errorf("%v: %s does not trust the proxy at %s", names, name, proxy.Networks["front"].Ipv4Address)
			}
		}
	}
}

// The image has no /tmp, and its file system is read-only: what a service puts into
// temporary files must be in its data directory.
func TestImageHasAPlaceForTemporaryFiles(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(files, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	stages := strings.Split(string(content), "\nFROM ")
	if last := stages[len(stages)-1]; !strings.Contains(last, "ENV ALMONER_DATA_DIR=/data TMPDIR=/data\n") {
		t.Errorf("temporary files have no place in the image:\n%s", last)
	}
}

// What stands before the site lets through what the site reads (32 MB): a proxy's
// own refusal is a bare page, and nginx refuses more than one MB by itself.
func TestProxiesLetPhotosThrough(t *testing.T) {
	for name, line := range map[string]string{
		"nginx.conf": "client_max_body_size 32m;", "compose/nginx.conf": "client_max_body_size 32m;",
		"kubernetes/overlays/production/ingress.yaml": "nginx.ingress.kubernetes.io/proxy-body-size: 32m\n",
	} {
		content, err := os.ReadFile(filepath.Join(files, name))
		if err != nil || !strings.Contains(string(content), line) {
			t.Errorf("%s does not say %q: %v", name, line, err)
		}
	}
}

// Arguments are in every list of processes, and in what `inspect` and `get pod` print.
func TestNoSecretIsAnArgument(t *testing.T) {
	given := map[string][]string{}
	for name, service := range compose(t, "compose.yaml", "compose.trial.yaml").Services {
		given["compose: "+name] = append(slices.Clone(service.Command), service.Entrypoint...)
	}
	for key, one := range overlay(t, "trial") {
		for _, c := range one.Spec.Template.Spec.Containers {
			given["trial: "+key] = c.Args
		}
	}
	for where, args := range given {
		for _, arg := range args {
			if strings.Contains(arg, "whsec_") || strings.Contains(arg, "$(") || strings.HasPrefix(arg, "--webhook-secret=") {
				t.Errorf("%s has the argument %s", where, arg)
			}
		}
	}
}
