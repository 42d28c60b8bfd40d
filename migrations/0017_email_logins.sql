-- Logins by email that were requested.
CREATE TABLE `email_logins` (
	`address_hash` text PRIMARY KEY NOT NULL,
	`login_id` text NOT NULL,
	`tries` integer NOT NULL,
	`requested_at` integer NOT NULL,
	`expires_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `email_logins_expires_at` ON `email_logins` (`expires_at`);
