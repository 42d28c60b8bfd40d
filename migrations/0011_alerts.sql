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
