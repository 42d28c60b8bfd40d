-- Second factors, what is spent once, and how and when the user of a session was authenticated.
CREATE TABLE `factors` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`type` text NOT NULL,
	`name` text NOT NULL,
	`created_at` integer NOT NULL,
	`confirmed_at` integer,
	`expires_at` integer,
	`last_used_at` integer,
	`secret` text,
	`last_step` integer,
	`credential_id` text,
	`public_key` text,
	`sign_count` integer,
	`transports` text,
	`is_backup_eligible` integer,
	`is_backed_up` integer,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `factors_by_user` ON `factors` (`user_id`,`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `factors_totp` ON `factors` (`user_id`,(confirmed_at IS NULL)) WHERE type = 'totp';--> statement-breakpoint
CREATE UNIQUE INDEX `factors_credential` ON `factors` (`credential_id`) WHERE credential_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX `factors_pending` ON `factors` (`expires_at`) WHERE expires_at IS NOT NULL;--> statement-breakpoint
CREATE TABLE `recovery_codes` (
	`user_id` text PRIMARY KEY NOT NULL,
	`hashes` text NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `spent_tokens` (
	`id` text PRIMARY KEY NOT NULL,
	`expires_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `spent_tokens_expires_at` ON `spent_tokens` (`expires_at`);--> statement-breakpoint
ALTER TABLE `roles` ADD `require_mfa` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `sessions` ADD `proofs` text DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE `users` ADD `mfa_enabled` integer DEFAULT false NOT NULL;