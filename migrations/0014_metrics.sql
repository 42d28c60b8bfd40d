CREATE TABLE `measurements` (
	`name` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL,
	`measured_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `metric_counters` (
	`series` text PRIMARY KEY NOT NULL,
	`value` real NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `metric_writers` (
	`id` text PRIMARY KEY NOT NULL,
	`sequence` integer NOT NULL,
	`written_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `metric_writers_written_at` ON `metric_writers` (`written_at`);--> statement-breakpoint
ALTER TABLE `job_leases` ADD `last_success_at` integer;--> statement-breakpoint
ALTER TABLE `job_leases` ADD `created_at` integer;--> statement-breakpoint
-- Whether an earlier run failed is not known. The next run says.
UPDATE `job_leases` SET `last_success_at` = `last_run_at`;--> statement-breakpoint
CREATE INDEX `mail_outbox_failed` ON `mail_outbox` (`failed_at`) WHERE failed_at IS NOT NULL;
--> statement-breakpoint
CREATE TABLE `alert_notices` (
	`id` text PRIMARY KEY NOT NULL,
	`alert` text NOT NULL,
	`is_firing` integer NOT NULL,
	`summary` text NOT NULL,
	`value` real NOT NULL,
	`threshold` real NOT NULL,
	`created_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `alerts` (
	`name` text PRIMARY KEY NOT NULL,
	`is_firing` integer NOT NULL,
	`since` integer NOT NULL
) WITHOUT ROWID;
