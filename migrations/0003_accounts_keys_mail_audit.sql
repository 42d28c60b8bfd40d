-- Links before notices, permissions of applications, credentials of others, counts instead of rows for what nobody known did.
CREATE TABLE `custom_permissions` (
	`name` text PRIMARY KEY NOT NULL,
	`description` text NOT NULL,
	`created_at` integer NOT NULL
) WITHOUT ROWID;--> statement-breakpoint
CREATE TABLE `unattributed_events` (
	`hour` integer NOT NULL,
	`action` text NOT NULL,
	`network` text NOT NULL,
	`subject_id` text DEFAULT '' NOT NULL,
	`count` integer NOT NULL,
	PRIMARY KEY(`hour`, `action`, `network`, `subject_id`)
) WITHOUT ROWID;--> statement-breakpoint
DROP INDEX `mail_outbox_due`;--> statement-breakpoint
ALTER TABLE `mail_outbox` ADD `priority` integer DEFAULT 1 NOT NULL;--> statement-breakpoint
UPDATE `mail_outbox` SET `priority` = 0 WHERE `kind` IN ('verify_email', 'reset_password', 'change_email');--> statement-breakpoint
CREATE INDEX `mail_outbox_due` ON `mail_outbox` (`priority`,`next_attempt_at`);--> statement-breakpoint
ALTER TABLE `users` ADD `password_expired` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `users` ADD `known_networks` text;--> statement-breakpoint
UPDATE `roles` SET `permissions` = (
	SELECT json_group_array(`value` ORDER BY `value`) FROM (SELECT `value` FROM json_each(`roles`.`permissions`) UNION SELECT 'credentials:manage')
) WHERE `name` = 'admin';
