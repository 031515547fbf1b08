package store

import (
	"context"
	"fmt"

	"github.com/almoner/almoner/services/fundraiser/internal/app"
	"github.com/almoner/almoner/services/fundraiser/internal/domain"
)

// AddImage is app.Tx's.
func (t *boundTx) AddImage(ctx context.Context, image domain.Image, picture app.Picture) error {
	_, err := t.tx.ExecContext(ctx, `INSERT INTO image (id, content_type, alt, width, height, widths) VALUES ($1, $2, $3, $4, $5, $6)`,
		image.ID, picture.ContentType, image.Alt, image.Width, image.Height, encode(image.Widths))
	if err != nil {
		return fmt.Errorf("add image: %w", err)
	}
	for _, size := range picture.Sizes {
		_, err = t.tx.ExecContext(ctx, `INSERT INTO image_size (image_id, width, content) VALUES ($1, $2, $3)`, image.ID, size.Width, size.Content)
		if err != nil {
			return fmt.Errorf("add size of image: %w", err)
		}
	}
	return nil
}

// RemoveImage is app.Tx's.
func (t *boundTx) RemoveImage(ctx context.Context, id string) error {
	for _, statement := range []string{`DELETE FROM image_size WHERE image_id = $1`, `DELETE FROM image WHERE id = $1`} {
		_, err := t.tx.ExecContext(ctx, statement, id)
		if err != nil {
			return fmt.Errorf("remove image: %w", err)
		}
	}
	return nil
}

// ImageFile is app.Reader's.
func (t *boundTx) ImageFile(ctx context.Context, id string, width int) (app.ImageFile, bool, error) {
	row := t.tx.QueryRowContext(ctx, `SELECT content_type, content FROM image JOIN image_size ON image_id = id
		WHERE id = $1 AND image_size.width = $2
		AND NOT EXISTS (SELECT 1 FROM fundraiser WHERE photo_id = $1 AND state = 'taken_down')`, id, width)
	file, found, err := one(row, func(row scanner) (app.ImageFile, error) {
		var file app.ImageFile
		err := row.Scan(&file.ContentType, &file.Content)
		return file, err
	})
	return file, found, wrap("read image", err)
}
