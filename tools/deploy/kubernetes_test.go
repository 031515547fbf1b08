package deploy

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// object is what the checks need of a Kubernetes object.
type object struct {
	Kind     string `yaml:"kind"`
	Metadata struct {
		Name      string `yaml:"name"`
		Namespace string `yaml:"namespace"`
	} `yaml:"metadata"`
	Data map[string]string `yaml:"data"`
	Spec struct {
		Selector    selector `yaml:"selector"`
		PodSelector selector `yaml:"podSelector"`
		Egress      []struct {
			To []struct {
				PodSelector selector `yaml:"podSelector"`
			} `yaml:"to"`
		} `yaml:"egress"`
		Template    template `yaml:"template"`
		JobTemplate struct {
			Spec struct {
				Template template `yaml:"template"`
			} `yaml:"spec"`
		} `yaml:"jobTemplate"`
	} `yaml:"spec"`
}

type template struct {
	Metadata struct {
		Labels map[string]string `yaml:"labels"`
	} `yaml:"metadata"`
	Spec pod `yaml:"spec"`
}

type selector struct {
	MatchLabels map[string]string `yaml:"matchLabels"`
}

type pod struct {
	SecurityContext struct {
		RunAsNonRoot bool `yaml:"runAsNonRoot"`
	} `yaml:"securityContext"`
	AutomountServiceAccountToken *bool       `yaml:"automountServiceAccountToken"`
	Containers                   []container `yaml:"containers"`
	Volumes                      []struct {
		Name   string `yaml:"name"`
		Secret struct {
			SecretName string `yaml:"secretName"`
		} `yaml:"secret"`
	} `yaml:"volumes"`
}

type container struct {
	Name    string   `yaml:"name"`
	Image   string   `yaml:"image"`
	Args    []string `yaml:"args"`
	EnvFrom []struct {
		ConfigMapRef struct {
			Name string `yaml:"name"`
		} `yaml:"configMapRef"`
	} `yaml:"envFrom"`
	Env []struct {
		Name  string `yaml:"name"`
		Value string `yaml:"value"`
	} `yaml:"env"`
	SecurityContext struct {
		ReadOnlyRootFilesystem bool `yaml:"readOnlyRootFilesystem"`
		Capabilities           struct {
			Drop []string `yaml:"drop"`
		} `yaml:"capabilities"`
	} `yaml:"securityContext"`
	LivenessProbe  map[string]any `yaml:"livenessProbe"`
	ReadinessProbe map[string]any `yaml:"readinessProbe"`
	Resources      struct {
		Limits map[string]string `yaml:"limits"`
	} `yaml:"resources"`
}

// objects reads what an overlay makes, by kind and name.
func objects(t *testing.T, text string) map[string]object {
	t.Helper()
	found := map[string]object{}
	decoder := yaml.NewDecoder(strings.NewReader(text))
	for {
		var one object
		err := decoder.Decode(&one)
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		if one.Kind == "CronJob" {
			one.Spec.Template = one.Spec.JobTemplate.Spec.Template
		}
		key := one.Kind + "/" + one.Metadata.Name
		if _, twice := found[key]; twice {
			t.Errorf("%s is there twice", key)
		}
		found[key] = one
	}
}

func overlay(t *testing.T, name string) map[string]object {
	t.Helper()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(
		filesys.MakeFsOnDisk(), filepath.Join(files, "kubernetes", "overlays", name))
	if err != nil {
		t.Fatal(err)
	}
	text, err := built.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return objects(t, string(text))
}

// printed are the secrets that the script makes of what prepare made.
func printed(t *testing.T) map[string]object {
	t.Helper()
	out, err := run(t, []string{"TRIAL=1"}, "deploy/kubernetes/secrets", secrets(t))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return objects(t, out)
}

// environment is what a container's process gets, secrets as names of files.
func environment(t *testing.T, all map[string]object, c container) map[string]string {
	t.Helper()
	set := map[string]string{}
	for _, from := range c.EnvFrom {
		configuration, there := all["ConfigMap/"+from.ConfigMapRef.Name]
		if !there {
			t.Errorf("%s: there is no ConfigMap %s", c.Name, from.ConfigMapRef.Name)
		}
		for name, value := range configuration.Data {
			set[name] = value
		}
	}
	for _, one := range c.Env {
		set[one.Name] = one.Value
	}
	return set
}

func TestOverlaysFitTogether(t *testing.T) {
	known, given := variables(t), printed(t)
	for _, name := range []string{"production", "trial"} {
		all := overlay(t, name)
		policies := map[string]bool{}
		for _, one := range all {
			if one.Kind == "NetworkPolicy" {
				policies[one.Spec.PodSelector.MatchLabels["app.kubernetes.io/name"]] = true
			}
			if one.Kind != "Namespace" && one.Metadata.Namespace != "almoner" {
				t.Errorf("%s: %s %s is in namespace %q", name, one.Kind, one.Metadata.Name, one.Metadata.Namespace)
			}
		}
		for key, one := range all {
			workload := one.Spec.Template.Spec
			if len(workload.Containers) == 0 {
				continue
			}
			if !workload.SecurityContext.RunAsNonRoot || workload.AutomountServiceAccountToken == nil || *workload.AutomountServiceAccountToken {
				t.Errorf("%s: %s may more than it needs", name, key)
			}
			if label := one.Spec.Template.Metadata.Labels["app.kubernetes.io/name"]; !policies[label] || label == "" {
				t.Errorf("%s: no network policy is about %s", name, key)
			}
			for _, volume := range workload.Volumes {
				if secret := volume.Secret.SecretName; secret != "" && given["Secret/"+secret].Data == nil {
					t.Errorf("%s: %s mounts secret %s, which the script does not print", name, key, secret)
				}
			}
			c := workload.Containers[0]
			if !slices.Contains(c.SecurityContext.Capabilities.Drop, "ALL") || c.Resources.Limits["memory"] == "" {
				t.Errorf("%s: %s has capabilities or no limit", name, key)
			}
			if !slices.Contains(services, c.Name) {
				continue
			}
			if !c.SecurityContext.ReadOnlyRootFilesystem || c.LivenessProbe == nil || c.ReadinessProbe == nil {
				t.Errorf("%s: %s can write anywhere or is not probed", name, key)
			}
			set := environment(t, all, c)
			var names []string
			for variable, value := range set {
				names = append(names, variable)
				file, isFile := strings.CutPrefix(value, "/secrets/")
				if isFile && given["Secret/almoner-"+c.Name].Data[file] == "" {
					t.Errorf("%s: %s is told of %s, which is not in its secret", name, key, value)
				}
			}
			if _, told := set["ALMONER_STAFF"]; told != (c.Name == "web") {
				t.Errorf("%s: whether %s knows who may sign in: %v", name, key, told)
			}
			if wrong := unread(known, c.Name, names); len(wrong) > 0 {
				// What is for all may be read by some; what a service is told by name,
				// it must read.
				for _, own := range c.Env {
					if slices.Contains(wrong, own.Name) {
						t.Errorf("%s: %s does not read %s", name, key, own.Name)
					}
				}
				for _, variable := range wrong {
					if known[variable] == nil {
						t.Errorf("%s: nobody reads %s", name, variable)
					}
				}
			}
		}
	}
}

// The trial's database is a pod: a policy that names blocks of addresses alone may
// not mean it. And an image without a tag is asked for at a registry that has none.
func TestTrialNeedsNothingFromOutside(t *testing.T) {
	all := overlay(t, "trial")
	for _, name := range append(slices.Clone(services), "migrate", "audit") {
		reached := false
		for _, rule := range all["NetworkPolicy/"+name].Spec.Egress {
			for _, to := range rule.To {
				reached = reached || to.PodSelector.MatchLabels["app.kubernetes.io/name"] == "postgres"
			}
		}
		if !reached {
			t.Errorf("%s does not reach the database", name)
		}
	}
	for key, one := range all {
		for _, c := range one.Spec.Template.Spec.Containers {
			if !strings.Contains(c.Image, ":") || strings.HasSuffix(c.Image, ":latest") {
				t.Errorf("%s has the image %s, without a version", key, c.Image)
			}
		}
	}
}

// The operator has not written Stripe's key yet: a secret without it would replace
// the whole one that the cluster has.
func TestKubernetesSecretsAreWholeOrNotPrinted(t *testing.T) {
	dir := t.TempDir()
	err := os.CopyFS(dir, os.DirFS(secrets(t)))
	if err == nil {
		err = os.Remove(filepath.Join(dir, "stripe-secret-key"))
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := run(t, nil, "deploy/kubernetes/secrets", dir)
	if err == nil || strings.Contains(out, "almoner-donation") || !strings.Contains(out, "stripe-secret-key is missing") {
		t.Errorf("without a key: %v\n%s", err, out)
	}
}

func TestKubernetesGivesNoServiceAnothersSecrets(t *testing.T) {
	holders := map[string][]string{}
	for name, secret := range printed(t) {
		for key := range secret.Data {
			holders[key] = append(holders[key], strings.TrimPrefix(name, "Secret/almoner-"))
		}
	}
	for key, want := range map[string]string{
		"stripe-secret-key": "[donation]", "stripe-key": "[audit]", "person-key": "[web]", "secret-key": "[donation receipt]", "smtp-url": "[donation fundraiser receipt web]",
	} {
		if got := fmt.Sprint(slices.Sorted(slices.Values(holders[key]))); got != want {
			t.Errorf("%s is in the secrets of %s, want %s", key, got, want)
		}
	}
}

// The program is given what a container gets, and nothing else. It must find all
// of it right, and end where the machine has no such database: it waits for one that
// is gone, so all of them wait at once.
func TestProgramTakesWhatItIsTold(t *testing.T) {
	t.Parallel()
	almoner, dir := program(t, "almoner"), secrets(t)
	all := overlay(t, "trial")
	takes := func(t *testing.T, service string) {
		t.Helper()
		workload := all["Deployment/"+service].Spec.Template.Spec
		if len(workload.Containers) != 1 {
			t.Fatalf("%s has %d containers", service, len(workload.Containers))
		}
		environ := []string{"ALMONER_DATA_DIR=" + t.TempDir()}
		for name, value := range environment(t, all, workload.Containers[0]) {
			file, isFile := strings.CutPrefix(value, "/secrets/")
			switch {
			case name == "ALMONER_PERSON_PUBLIC_KEY":
				// What stands in the repository is nobody's; prepare wrote a real one.
				pair, err := os.ReadFile(filepath.Join(dir, "person.env"))
				if err != nil {
					t.Fatal(err)
				}
				value = strings.TrimSpace(strings.TrimPrefix(string(pair), name+"="))
			case isFile:
				value = filepath.Join(dir, hostFile(service, file))
			case strings.HasSuffix(name, "_DATABASE_URL_FILE"):
				t.Errorf("%s: %s is no secret", service, name)
			case name == "ALMONER_GRPC_ADDR" || name == "ALMONER_HTTP_ADDR":
				value = "127.0.0.1:0"
			case name == "ALMONER_OPS_ADDR":
				value = "127.0.0.2:0" // never the site's own
			}
			environ = append(environ, name+"="+value)
		}
		out, err := run(t, environ, almoner, workload.Containers[0].Args...)
		if err == nil || strings.Contains(out, "configuration:") || !strings.Contains(out, "database of "+service) {
			t.Errorf("%s: %v\n%s", service, err, out)
		}
	}
	for _, service := range services {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			takes(t, service)
		})
	}
}

// hostFile is where prepare wrote what a service knows under another name.
func hostFile(service, name string) string {
	switch name {
	case "tls.crt":
		return service + ".crt"
	case "tls.key":
		return service + ".key"
	case "database":
		return "database-" + service
	case "nats.nk":
		return "nats/" + service + ".nk"
	default:
		return name
	}
}
