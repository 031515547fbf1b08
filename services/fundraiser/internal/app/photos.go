package app

import (
	"context"
	"fmt"

	"github.com/almoner/almoner/services/fundraiser/internal/domain"
)

// SetPhoto gives one of a supporter's pages a picture, or takes it away when
// there is no upload. It returns what the page has then.
func (s *Supporters) SetPhoto(ctx context.Context, supporterID, id string, upload []byte, alt string) (domain.Image, error) {
	return s.setPhoto(ctx, upload, alt,
		func(ctx context.Context, tx Reader) (Page, bool, error) { return tx.OwnPage(ctx, supporterID, id) },
		func(ctx context.Context, tx Tx) (Page, bool, error) { return tx.LockOwnPage(ctx, supporterID, id) })
}

// SetDraftPhoto does the same for a draft that nobody owns yet.
func (s *Supporters) SetDraftPhoto(ctx context.Context, id string, upload []byte, alt string) (domain.Image, error) {
	return s.setPhoto(ctx, upload, alt,
		func(ctx context.Context, tx Reader) (Page, bool, error) { return tx.Draft(ctx, id) },
		func(ctx context.Context, tx Tx) (Page, bool, error) { return tx.LockDraft(ctx, id) })
}

// setPhoto looks for the page before the picture is made, so that nobody can
// have pictures made for a page that is not theirs, and again afterwards: making
// one takes a while, and no transaction waits for it.
func (s *Supporters) setPhoto(ctx context.Context, upload []byte, alt string,
	look func(context.Context, Reader) (Page, bool, error), lock func(context.Context, Tx) (Page, bool, error),
) (domain.Image, error) {
	var image domain.Image
	var picture Picture
	if len(upload) > 0 {
		err := s.store.InReadTx(ctx, func(ctx context.Context, tx Reader) error {
			return paintable(look(ctx, tx))
		})
		if err != nil {
			return domain.Image{}, fmt.Errorf("set photo: %w", err)
		}
		image, picture, err = newPicture(ctx, s.pictures, "photo", upload, alt, false)
		if err != nil {
			return domain.Image{}, fmt.Errorf("set photo: %w", err)
		}
	}
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		page, found, err := lock(ctx, tx)
		err = paintable(page, found, err)
		if err != nil || (image.ID == "" && page.Photo.ID == "") {
			return err
		}
		if image.ID != "" {
			err = tx.AddImage(ctx, image, picture)
			if err != nil {
				return err
			}
		}
		before := page.Photo.ID
		page.Photo = image
		page.Version++
		err = tx.PutPage(ctx, page.Page)
		if err != nil {
			return err
		}
		return tx.RemoveImage(ctx, before)
	})
	if err != nil {
		return domain.Image{}, fmt.Errorf("set photo: %w", err)
	}
	return image, nil
}

// paintable says why a page cannot get another picture.
func paintable(page Page, found bool, err error) error {
	switch {
	case err != nil:
		return err
	case !found:
		return errNoPage
	case page.State == domain.TakenDown:
		return errTakenDown
	}
	return nil
}
