-- Sealed days of the audit trail, and the one way past its triggers: events of a day whose seal is marked as trimmed may be deleted.
CREATE TABLE `audit_seal_rows` (
	`day` text NOT NULL,
	`part` integer NOT NULL,
	`digests` text NOT NULL,
	PRIMARY KEY(`day`, `part`)
);--> statement-breakpoint
CREATE TABLE `audit_seals` (
	`day` text PRIMARY KEY NOT NULL,
	`count` integer NOT NULL,
	`first_id` text,
	`last_id` text,
	`digest` text NOT NULL,
	`previous_digest` text,
	`signature` text NOT NULL,
	`kid` text NOT NULL,
	`sealed_at` integer NOT NULL,
	`archived_at` integer,
	`trimmed_at` integer
) WITHOUT ROWID;--> statement-breakpoint
CREATE INDEX `audit_seals_first_id` ON `audit_seals` (`first_id`) WHERE first_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX `audit_seals_unarchived` ON `audit_seals` (`day`) WHERE archived_at IS NULL;--> statement-breakpoint
CREATE INDEX `audit_seals_untrimmed` ON `audit_seals` (`day`) WHERE trimmed_at IS NULL;--> statement-breakpoint
CREATE INDEX `audit_seals_trimmed` ON `audit_seals` (`day`) WHERE trimmed_at IS NOT NULL;--> statement-breakpoint
CREATE TRIGGER `audit_seals_no_delete` BEFORE DELETE ON `audit_seals`
BEGIN
	SELECT RAISE(ABORT, 'audit seals are immutable');
END;--> statement-breakpoint
CREATE TRIGGER `audit_seals_no_replace` BEFORE INSERT ON `audit_seals`
WHEN EXISTS (SELECT 1 FROM `audit_seals` WHERE `day` = NEW.`day`)
BEGIN
	SELECT RAISE(ABORT, 'audit seals are immutable');
END;--> statement-breakpoint
-- Only `archived_at` and `trimmed_at` change, from null to a time.
CREATE TRIGGER `audit_seals_no_update` BEFORE UPDATE ON `audit_seals`
WHEN NEW.`day` IS NOT OLD.`day` OR NEW.`count` IS NOT OLD.`count` OR NEW.`first_id` IS NOT OLD.`first_id`
	OR NEW.`last_id` IS NOT OLD.`last_id` OR NEW.`digest` IS NOT OLD.`digest`
	OR NEW.`previous_digest` IS NOT OLD.`previous_digest` OR NEW.`signature` IS NOT OLD.`signature`
	OR NEW.`kid` IS NOT OLD.`kid` OR NEW.`sealed_at` IS NOT OLD.`sealed_at`
	OR (OLD.`archived_at` IS NOT NULL AND NEW.`archived_at` IS NOT OLD.`archived_at`)
	OR (OLD.`trimmed_at` IS NOT NULL AND NEW.`trimmed_at` IS NOT OLD.`trimmed_at`)
BEGIN
	SELECT RAISE(ABORT, 'audit seals are immutable');
END;--> statement-breakpoint
CREATE TRIGGER `audit_seal_rows_no_delete` BEFORE DELETE ON `audit_seal_rows`
WHEN EXISTS (SELECT 1 FROM `audit_seals` WHERE `day` = OLD.`day`)
BEGIN
	SELECT RAISE(ABORT, 'audit seals are immutable');
END;--> statement-breakpoint
CREATE TRIGGER `audit_seal_rows_no_insert` BEFORE INSERT ON `audit_seal_rows`
WHEN EXISTS (SELECT 1 FROM `audit_seals` WHERE `day` = NEW.`day`)
BEGIN
	SELECT RAISE(ABORT, 'audit seals are immutable');
END;--> statement-breakpoint
CREATE TRIGGER `audit_seal_rows_no_update` BEFORE UPDATE ON `audit_seal_rows`
WHEN EXISTS (SELECT 1 FROM `audit_seals` WHERE `day` = OLD.`day`)
BEGIN
	SELECT RAISE(ABORT, 'audit seals are immutable');
END;--> statement-breakpoint
DROP TRIGGER `audit_events_no_delete`;--> statement-breakpoint
-- Looks up the seal of the event's day, which is the last one that begins at or before the event.
CREATE TRIGGER `audit_events_no_delete` BEFORE DELETE ON `audit_events`
WHEN NOT coalesce((
	SELECT `trimmed_at` IS NOT NULL AND `last_id` >= OLD.`id` FROM `audit_seals`
	WHERE `first_id` <= OLD.`id` ORDER BY `first_id` DESC LIMIT 1
), 0)
BEGIN
	SELECT RAISE(ABORT, 'audit events are immutable');
END;
