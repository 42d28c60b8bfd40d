-- Accounts at other providers that users log in with.
CREATE TABLE `identities` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`provider` text NOT NULL,
	`issuer` text NOT NULL,
	`subject` text NOT NULL,
	`email` text,
	`created_at` integer NOT NULL,
	`last_used_at` integer,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
CREATE UNIQUE INDEX `identities_subject` ON `identities` (`issuer`,`subject`);--> statement-breakpoint
CREATE INDEX `identities_by_user` ON `identities` (`user_id`,`id`);

--> statement-breakpoint
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

--> statement-breakpoint
-- Accounts whose verified address an administrator has replaced: whoever has the new address must not be able to erase them.
ALTER TABLE `users` ADD `was_verified` integer DEFAULT false NOT NULL;
--> statement-breakpoint
UPDATE `users` SET `was_verified` = 1 WHERE `email_verified` = 0 AND EXISTS (
	SELECT 1 FROM `audit_events` WHERE `target_id` = `users`.`id` AND `action` = 'email.verified'
);
