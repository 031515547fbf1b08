package anyorder

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var seeded = flag.Bool("wrong", false, "build the services with mistakes in them, and see each of them caught")

// mistake is a wrong version of one line. It is made while the line is compiled, so
// that nothing of it is in the services' source, and only the one that is named by
// the variable wrongVariable is in force.
type mistake struct{ name, file, right, wrong string }

const wrongVariable = "ALMONER_WRONG"

func mistakes() []mistake {
	const returned, refund, derive = "donation/internal/domain/returned.go", "donation/internal/domain/refund.go", "donation/internal/domain/derive.go"
	const transaction = "ledger/internal/domain/transaction.go"
	return []mistake{
		{
			"a refund is counted twice", returned, "a.Donation.ReturnedMinor += more\n",
			"a.Donation.ReturnedMinor += more\n\tif wrong(NAME) && h.Kind == RefundAccepted {\n\t\ta.Donation.ReturnedMinor += more\n\t}\n",
		},
		{
			"a refund that fails is not noticed", returned, "if next.Status.Failed() && !known.Status.Failed() {",
			"if next.Status.Failed() && !known.Status.Failed() && !wrong(NAME) {",
		},
		{
			"a dispute that is won is lost", returned, "if next.Status == DisputeLost {",
			"if next.Status == DisputeLost || (wrong(NAME) && next.Status == DisputeWon) {",
		},
		{"what was lost stays given", returned, "lost = next.Amount.Minor\n", "lost = next.Amount.Minor\n\t\t\tif wrong(NAME) {\n\t\t\t\tlost = 0\n\t\t\t}\n"},
		{
			"the cover is kept when all is given back", returned, "Cover:  min(max(t-gift, 0), cover),",
			"Cover:  map[bool]int64{true: 0, false: min(max(t-gift, 0), cover)}[wrong(NAME)],",
		},
		{
			"the last word about a refund wins", refund, "case fact.Status.weight() > r.Status.weight():",
			"case fact.Status.weight() > r.Status.weight() || wrong(NAME):",
		},
		{
			"a payment that was declined is counted", derive, "case PaymentCanceled, PaymentMethodMissing:",
			"case PaymentCanceled, PaymentMethodMissing:\n\t\tif wrong(NAME) {\n\t\t\tp.Received, _ = d.Total()\n\t\t\treturn succeed(d, p)\n\t\t}",
		},
		{
			"a fee is dropped", transaction, "return append(drafts, fee), nil",
			"if wrong(NAME) {\n\t\treturn drafts, nil\n\t}\n\treturn append(drafts, fee), nil",
		},
		{
			"a session that expired is counted", derive, "if s.Session != nil && s.Session.Status == SessionExpired && s.Session.ID == d.SessionID {",
			"if s.Session != nil && s.Session.Status == SessionExpired && s.Session.ID == d.SessionID {\n\t\tif wrong(NAME) {\n\t\t\tout.Donation.State = Succeeded\n\t\t}",
		},
	}
}

// debitMistakes are those about debits, which are told by themselves.
func debitMistakes() []mistake {
	const books = "ledger/internal/domain/"
	return []mistake{
		{
			"the money of a debit is booked as income", books + "transaction.go", "main.post(UnderWay, main.opposite(t.Amount)",
			"main.post(map[bool]Account{true: OnlineContributions, false: UnderWay}[wrong(NAME)], main.opposite(t.Amount)",
		},
		{
			"a failed debit's reversal is forgotten", books + "movement.go", "\t\t// That a debit fails is usual",
			"\t\tif wrong(NAME) {\n\t\t\treturn nil, nil\n\t\t}\n\t\t// That a debit fails is usual",
		},
		{
			"a debit that is taken back is lost by a dispute", books + "reduction.go", "if d.reversal() {\n\t\tlines",
			"if d.reversal() && !wrong(NAME) {\n\t\tlines",
		},
	}
}

// A proof that would miss a mistake is none.
func TestMistakesAreCaught(t *testing.T) {
	if !*seeded {
		t.Skip("mistakes are asked for with -wrong")
	}
	program := wrongProgram(t)
	for test, list := range map[string][]mistake{
		"TestEveryOrderEndsInOneState": mistakes(), "TestEveryOrderOfDebitsEndsInOneState": debitMistakes(),
	} {
		// With none of them in force nothing is noticed, so it is they that are noticed
		// afterwards, and not a slow machine.
		out, err := told(t, program, test, "")
		if err != nil {
			t.Fatalf("without a mistake: %v\n%s", err, out)
		}
		for _, m := range list {
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				out, err := told(t, program, test, m.name)
				if err == nil {
					t.Fatalf("nobody notices that %s", m.name)
				}
				if !strings.Contains(out, "--- FAIL: "+test) {
					t.Errorf("%s: %v\n%s", m.name, err, out)
				}
				t.Logf("it is noticed that %s: %s", m.name, noticed(out))
			})
		}
	}
}

// told runs a few orders with one mistake in force. Each process has one processor, as
// if it were alone on as many machines: what takes long is not what is noticed.
func told(t *testing.T, program, test, mistake string) (out string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, "-test.run", "^"+test+"$", "-orders", "4", "-losses", "2", "-patience", "30s")
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", wrongVariable+"="+mistake)
	said, err := cmd.CombinedOutput()
	return string(said), err
}

// noticed is the first that the tests said.
func noticed(out string) string {
	for line := range strings.Lines(out) {
		if strings.Contains(line, "permute_test.go:") && !strings.HasSuffix(strings.TrimSpace(line), "tellings") {
			return strings.TrimSpace(line[:min(len(line), 240)])
		}
	}
	return ""
}

// wrongProgram is this package's tests, built with all mistakes in them.
func wrongProgram(t *testing.T) string {
	t.Helper()
	services, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	sources, replaced := map[string]string{}, map[string]string{}
	for _, m := range append(mistakes(), debitMistakes()...) {
		path := filepath.Join(services, m.file)
		if sources[path] == "" {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			sources[path] = string(content)
		}
		wrong := strings.ReplaceAll(m.wrong, "NAME", `"`+m.name+`"`)
		if strings.Count(sources[path], m.right) != 1 {
			t.Fatalf("%s: %s has not one line %q", m.name, m.file, m.right)
		}
		sources[path] = strings.Replace(sources[path], m.right, wrong, 1)
	}
	for _, path := range slices.Collect(maps.Keys(sources)) {
		sources[filepath.Join(filepath.Dir(path), "wrong.go")] = "package domain\n\nimport \"os\"\n\n" +
			"func wrong(name string) bool { return os.Getenv(\"" + wrongVariable + "\") == name }\n"
	}
	for path, content := range sources {
		file := filepath.Join(dir, strings.ReplaceAll(path, string(filepath.Separator), "_"))
		err = os.WriteFile(file, []byte(content), 0o600)
		if err != nil {
			t.Fatal(err)
		}
		replaced[path] = file
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	err = os.WriteFile(list, overlay, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "wrong.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", list, "-o", program, ".")
	out, err := build.CombinedOutput()
	if err != nil {
		t.Fatalf("build with mistakes: %v\n%s", err, out)
	}
	return program
}
