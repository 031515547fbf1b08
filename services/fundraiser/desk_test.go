package fundraiser_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"strings"
	"testing"

	attributionv1 "github.com/almoner/almoner/proto/gen/almoner/attribution/v1"
	fundraiserv1 "github.com/almoner/almoner/proto/gen/almoner/fundraiser/v1"
	"github.com/almoner/almoner/services/internal/apperr"
	"github.com/almoner/almoner/services/internal/testkit"
)

// desk is web, acting for somebody at the staff's desk, or for nobody.
func (w world) desk(t *testing.T, id string, roles ...string) fundraiserv1.CatalogueServiceClient {
	t.Helper()
	options := w.people.As(id, roles...)
	if id == "" {
		options = nil
	}
	conn, err := w.network.Dial("web", options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return fundraiserv1.NewCatalogueServiceClient(conn)
}

// let is how far a call came: in, or turned away as unknown or not allowed.
func let(err error) string {
	switch apperr.CodeOf(err) {
	case apperr.Unauthenticated:
		return "who?"
	case apperr.PermissionDenied:
		return "no"
	default:
		return "in"
	}
}

func TestWhoMayDoWhatAtTheDesk(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	people := []fundraiserv1.CatalogueServiceClient{
		w.desk(t, ""), w.desk(t, "u-1", "supporter"), w.desk(t, "u-2", "viewer"), w.desk(t, "u-3", "accountant"), w.desk(t, "u-4", "admin"),
	}
	conn, err := w.network.Dial("donation", w.people.As("u-4", "admin")...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	people = append(people, fundraiserv1.NewCatalogueServiceClient(conn))

	var table strings.Builder
	fmt.Fprintf(&table, "%-20s %-6s %-9s %-6s %-10s %-5s %s\n", "", "nobody", "supporter", "viewer", "accountant", "admin", "other service")
	for _, method := range []struct {
		name string
		call func(fundraiserv1.CatalogueServiceClient) error
	}{
		{"ListOrganizations", func(c fundraiserv1.CatalogueServiceClient) error {
			_, err := c.ListOrganizations(t.Context(), &fundraiserv1.ListOrganizationsRequest{})
			return err
		}},
		{"UpdateOrganization", func(c fundraiserv1.CatalogueServiceClient) error {
			_, err := c.UpdateOrganization(t.Context(), &fundraiserv1.UpdateOrganizationRequest{})
			return err
		}},
		{"SetOrganizationLogo", func(c fundraiserv1.CatalogueServiceClient) error {
			_, err := c.SetOrganizationLogo(t.Context(), &fundraiserv1.SetOrganizationLogoRequest{})
			return err
		}},
		{"ListAllAppeals", func(c fundraiserv1.CatalogueServiceClient) error {
			_, err := c.ListAllAppeals(t.Context(), &fundraiserv1.ListAllAppealsRequest{})
			return err
		}},
		{"GetAppealForEdit", func(c fundraiserv1.CatalogueServiceClient) error {
			_, err := c.GetAppealForEdit(t.Context(), &fundraiserv1.GetAppealForEditRequest{})
			return err
		}},
		{"SaveAppeal", func(c fundraiserv1.CatalogueServiceClient) error {
			_, err := c.SaveAppeal(t.Context(), &fundraiserv1.SaveAppealRequest{})
			return err
		}},
		{"ChangeAppealState", func(c fundraiserv1.CatalogueServiceClient) error {
			_, err := c.ChangeAppealState(t.Context(), &fundraiserv1.ChangeAppealStateRequest{})
			return err
		}},
		{"ListFunds", func(c fundraiserv1.CatalogueServiceClient) error {
			_, err := c.ListFunds(t.Context(), &fundraiserv1.ListFundsRequest{})
			return err
		}},
		{"SaveFund", func(c fundraiserv1.CatalogueServiceClient) error {
			_, err := c.SaveFund(t.Context(), &fundraiserv1.SaveFundRequest{})
			return err
		}},
		{"ListFundraisers", func(c fundraiserv1.CatalogueServiceClient) error {
			_, err := c.ListFundraisers(t.Context(), &fundraiserv1.ListFundraisersRequest{})
			return err
		}},
		{"TakeDownFundraiser", func(c fundraiserv1.CatalogueServiceClient) error {
			_, err := c.TakeDownFundraiser(t.Context(), &fundraiserv1.TakeDownFundraiserRequest{})
			return err
		}},
		{"ListChanges", func(c fundraiserv1.CatalogueServiceClient) error {
			_, err := c.ListChanges(t.Context(), &fundraiserv1.ListChangesRequest{})
			return err
		}},
	} {
		var row []any
		for _, who := range people {
			row = append(row, let(method.call(who)))
		}
		fmt.Fprintf(&table, "%-20s %-6s %-9s %-6s %-10s %-5s %s\n", append([]any{method.name}, row...)...)
	}
	const want = `                     nobody supporter viewer accountant admin other service
ListOrganizations    who?   no        in     in         in    no
UpdateOrganization   who?   no        no     no         in    no
SetOrganizationLogo  who?   no        no     no         in    no
ListAllAppeals       who?   no        in     in         in    no
GetAppealForEdit     who?   no        in     in         in    no
SaveAppeal           who?   no        no     no         in    no
ChangeAppealState    who?   no        no     no         in    no
ListFunds            who?   no        in     in         in    no
SaveFund             who?   no        no     no         in    no
ListFundraisers      who?   no        in     in         in    no
TakeDownFundraiser   who?   no        no     no         in    no
ListChanges          who?   no        in     in         in    no
`
	if table.String() != want {
		t.Errorf("got\n%s\nwant\n%s", table.String(), want)
	}
}

// Staff make a fund and an appeal, publish it, and a donor gives to it; every
// step is in the record of changes under the name of who made it.
func TestFromAnEmptyFormToAGift(t *testing.T) {
	t.Parallel()
	w := start(t, testkit.NATS(t))
	admin := w.desk(t, "staff-7", "admin")
	listed, err := admin.ListOrganizations(t.Context(), &fundraiserv1.ListOrganizationsRequest{})
	if err != nil || len(listed.GetOrganizations()) != 1 {
		t.Fatalf("%v, %v", listed, err)
	}
	o := listed.GetOrganizations()[0]
	fund, err := admin.SaveFund(t.Context(), &fundraiserv1.SaveFundRequest{Fund: &fundraiserv1.FundChanged{
		OrganizationId: o.GetOrganization().GetOrganizationId(), Code: "BOOTS", Name: "Winter boots",
		FundClass: attributionv1.FundClass_FUND_CLASS_RESTRICTED,
	}})
	if err != nil || fund.GetFund().GetVersion() != 1 {
		t.Fatalf("%v, %v", fund, err)
	}
	input := &fundraiserv1.AppealInput{
		Slug: "winter-boots", OrganizationId: o.GetOrganization().GetOrganizationId(), Kind: fundraiserv1.AppealKind_APPEAL_KIND_CAMPAIGN,
		Title: "Winter boots", Summary: "Dry feet for four hundred children.", StoryMarkdown: "They *walk* to school.",
		Currency: "EUR", SuggestedMinor: []int64{15_00, 30_00}, MinimumMinor: 2_00, GoalMinor: 12_000_00,
		FundCodes: []string{"BOOTS"}, StartsOn: "2026-03-01", EndsOn: "2026-03-31", CoverRatePpm: 15_000, CoverFixedMinor: 25,
	}
	draft, err := admin.SaveAppeal(t.Context(), &fundraiserv1.SaveAppealRequest{Input: input})
	if err != nil || draft.GetAppeal().GetState() != fundraiserv1.AppealState_APPEAL_STATE_DRAFT {
		t.Fatalf("%v, %v", draft, err)
	}
	again, err := admin.GetAppealForEdit(t.Context(), &fundraiserv1.GetAppealForEditRequest{AppealId: draft.GetAppeal().GetAppealId()})
	if err != nil || again.GetAppeal().GetInput().String() != input.String() {
		t.Errorf("%v, %v", again, err)
	}
	live, err := admin.ChangeAppealState(t.Context(), &fundraiserv1.ChangeAppealStateRequest{
		AppealId: draft.GetAppeal().GetAppealId(), Action: fundraiserv1.AppealAction_APPEAL_ACTION_PUBLISH,
	})
	if err != nil || live.GetAppeal().GetStateNow() != fundraiserv1.AppealState_APPEAL_STATE_LIVE || !live.GetAppeal().GetWasPublished() {
		t.Fatalf("%v, %v", live, err)
	}

	terms := w.resolve(t, toAppeal("winter-boots"))
	if terms.GetAttribution().GetFundCode() != "BOOTS" || terms.GetMinimumMinor() != 2_00 {
		t.Errorf("terms are %v", terms)
	}
	w.publish(t, w.succeed(terms.GetAttribution(), 30_00, "EUR"))
	w.applied(t, 1)
	all, err := admin.ListAllAppeals(t.Context(), &fundraiserv1.ListAllAppealsRequest{})
	if err != nil || len(all.GetAppeals()) != 4 || all.GetAppeals()[3].GetTotals().GetSettledMinor() != 30_00 {
		t.Errorf("%v, %v", all, err)
	}

	_, err = admin.UpdateOrganization(t.Context(), &fundraiserv1.UpdateOrganizationRequest{
		OrganizationId: o.GetOrganization().GetOrganizationId(), Version: 1, Name: "Wayhaven",
		LegalName: "Wayhaven Relief Foundation", Address: []string{"2 Example Quay"}, Registration: "Sample",
		TimeZone: "Europe/Amsterdam", Mission: "We stand beside people.", ContactEmail: "hello@wayhaven.example",
	})
	if err != nil {
		t.Fatal(err)
	}
	funds, err := admin.ListFunds(t.Context(), &fundraiserv1.ListFundsRequest{})
	if err != nil || len(funds.GetFunds()) != 5 {
		t.Errorf("%v, %v", funds, err)
	}
	pages, err := admin.ListFundraisers(t.Context(), &fundraiserv1.ListFundraisersRequest{})
	if err != nil || len(pages.GetFundraisers()) != 2 || pages.GetFundraisers()[0].GetAppealSlug() == "" {
		t.Fatalf("%v, %v", pages, err)
	}
	hidden, err := admin.TakeDownFundraiser(t.Context(), &fundraiserv1.TakeDownFundraiserRequest{
		FundraiserId: pages.GetFundraisers()[0].GetFundraiserId(), Reason: "Asks for gifts to a private account.",
	})
	if err != nil || hidden.GetFundraiser().GetState() != fundraiserv1.FundraiserState_FUNDRAISER_STATE_TAKEN_DOWN {
		t.Errorf("%v, %v", hidden, err)
	}
	changes, err := admin.ListChanges(t.Context(), &fundraiserv1.ListChangesRequest{Limit: 5})
	if err != nil || !changes.GetMore() {
		t.Fatalf("%v, %v", changes, err)
	}
	var did []string
	for _, c := range changes.GetChanges() {
		did = append(did, fmt.Sprintf("%s %s %s", c.GetPersonId(), c.GetAction(), c.GetSubject()))
	}
	want := "staff-7 taken_down fundraiser, staff-7 changed organization, staff-7 published appeal, staff-7 created appeal, staff-7 created fund"
	if strings.Join(did, ", ") != want {
		t.Errorf("changes are %v", did)
	}
}

// badge is a small logo with transparent corners.
func badge(t *testing.T) []byte {
	t.Helper()
	picture := image.NewNRGBA(image.Rect(0, 0, 64, 32))
	for x := 8; x < 56; x++ {
		for y := 8; y < 24; y++ {
			picture.Set(x, y, color.NRGBA{R: 200, A: 255})
		}
	}
	var b bytes.Buffer
	err := png.Encode(&b, picture)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAnOrganizationGetsALogo(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	admin := w.desk(t, "staff-7", "admin")
	listed, err := admin.ListOrganizations(t.Context(), &fundraiserv1.ListOrganizationsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	id := listed.GetOrganizations()[0].GetOrganization().GetOrganizationId()
	for name, content := range map[string][]byte{
		"no picture": []byte("hello"), "SVG": []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), "truncated": badge(t)[:80],
	} {
		_, err := admin.SetOrganizationLogo(t.Context(), &fundraiserv1.SetOrganizationLogoRequest{OrganizationId: id, Content: content})
		var answer *apperr.Error
		if !errors.As(err, &answer) || len(answer.Fields) != 1 || answer.Fields[0].Name != "content" {
			t.Errorf("%s: %v", name, err)
		}
	}
	set, err := admin.SetOrganizationLogo(t.Context(), &fundraiserv1.SetOrganizationLogoRequest{OrganizationId: id, Content: badge(t)})
	logo := set.GetOrganization().GetLogo()
	if err != nil || logo.GetAlt() != "Wayhaven Relief" || set.GetOrganization().GetOrganization().GetVersion() != 1 {
		t.Fatalf("%v, %v", set, err)
	}
	file, err := w.web.GetImage(t.Context(), &fundraiserv1.GetImageRequest{ImageId: logo.GetImageId(), Width: logo.GetWidths()[0]})
	if err != nil || file.GetContentType() != "image/png" {
		t.Fatalf("%v, %v", file.GetContentType(), err)
	}
	drawn, err := png.Decode(bytes.NewReader(file.GetContent()))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, alpha := drawn.At(0, 0).RGBA(); alpha != 0 {
		t.Error("the corner is not transparent any more")
	}
	seen, err := w.web.ListAppeals(t.Context(), &fundraiserv1.ListAppealsRequest{})
	if err != nil || seen.GetOrganizations()[0].GetLogo().GetImageId() != logo.GetImageId() {
		t.Errorf("%v, %v", seen.GetOrganizations(), err)
	}
	// A file says nothing of logos and takes none away.
	catalogue, err := os.Open("sample/refugee-relief.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = catalogue.Close() }()
	report, err := w.service.Load(t.Context(), catalogue)
	if err != nil || report.Organizations.Unchanged != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	gone, err := admin.SetOrganizationLogo(t.Context(), &fundraiserv1.SetOrganizationLogoRequest{OrganizationId: id})
	if err != nil || gone.GetOrganization().GetLogo() != nil {
		t.Errorf("%v, %v", gone, err)
	}
	_, err = w.web.GetImage(t.Context(), &fundraiserv1.GetImageRequest{ImageId: logo.GetImageId(), Width: logo.GetWidths()[0]})
	if apperr.CodeOf(err) != apperr.NotFound {
		t.Errorf("a logo that was taken away is still there: %v", err)
	}
	changes, err := admin.ListChanges(t.Context(), &fundraiserv1.ListChangesRequest{Limit: 1})
	if err != nil || changes.GetChanges()[0].GetAction() != "logo" {
		t.Errorf("%v, %v", changes, err)
	}
	_, err = admin.SetOrganizationLogo(t.Context(), &fundraiserv1.SetOrganizationLogoRequest{OrganizationId: "none", Content: badge(t)})
	if apperr.CodeOf(err) != apperr.NotFound {
		t.Error(err)
	}
}
