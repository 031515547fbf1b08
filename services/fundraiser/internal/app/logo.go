package app

import (
	"context"
	"fmt"
	"time"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
)

// Logos gives organizations their logos. It is safe for use by several
// goroutines.
type Logos struct {
	store    Store
	pictures Pictures
	now      func() time.Time
}

// NewLogos returns the use case over its ports.
func NewLogos(store Store, pictures Pictures, now func() time.Time) *Logos {
	return &Logos{store: store, pictures: pictures, now: now}
}

// Set gives an organization a logo, or takes it away when there is no upload.
// Receipts and books say nothing of logos, so nobody is told.
func (l *Logos) Set(ctx context.Context, personID, id string, upload []byte) (domain.Organization, error) {
	var image domain.Image
	var picture Picture
	if len(upload) > 0 {
		// Making a picture takes a while, and no transaction waits for it.
		var err error
		image, picture, err = newPicture(ctx, l.pictures, "content", upload, "", true)
		if err != nil {
			return domain.Organization{}, fmt.Errorf("set logo: %w", err)
		}
	}
	var after domain.Organization
	err := l.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		err := tx.LockCatalogue(ctx)
		if err != nil {
			return err
		}
		before, found, err := tx.Organization(ctx, id)
		if err != nil {
			return err
		}
		if !found {
			return errNoOrganization
		}
		after = before
		if image.ID == "" && before.Logo.ID == "" {
			return nil
		}
		if image.ID != "" {
			// What a logo shows is whose it is.
			image.Alt = before.Name
			err = tx.AddImage(ctx, image, picture)
			if err != nil {
				return err
			}
		}
		after.Logo = image
		err = tx.PutOrganization(ctx, after)
		if err != nil {
			return err
		}
		err = tx.RemoveImage(ctx, before.Logo.ID)
		if err != nil {
			return err
		}
		return tx.AddChanges(ctx, []Change{{
			At: instant(l.now().Truncate(time.Microsecond)), PersonID: personID, Subject: OrganizationSubject,
			SubjectID: after.ID, SubjectName: after.Code, Action: "logo",
			Fields: []FieldChange{{Field: "logo", Before: before.Logo.ID, After: image.ID}},
		}})
	})
	if err != nil {
		return domain.Organization{}, fmt.Errorf("set logo: %w", err)
	}
	return after, nil
}
