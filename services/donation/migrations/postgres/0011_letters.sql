-- +goose Up

-- Letters are also about single gifts: each is about a plan or about a gift.
ALTER TABLE plan_mail ALTER COLUMN plan_id DROP NOT NULL;
ALTER TABLE plan_mail ADD COLUMN donation_id TEXT REFERENCES donation (id);
ALTER TABLE plan_mail ADD CHECK ((plan_id IS NULL) <> (donation_id IS NULL));
