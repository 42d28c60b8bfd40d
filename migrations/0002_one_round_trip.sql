-- What an operation reads and writes in one round trip: permissions in the role's own row, fewer rows written per table.
-- A user may have no password. The column is replaced in place, because users cannot be rebuilt without losing what refers to them.
ALTER TABLE `users` ADD `optional_password_hash` text;--> statement-breakpoint
UPDATE `users` SET `optional_password_hash` = `password_hash`;--> statement-breakpoint
ALTER TABLE `users` DROP COLUMN `password_hash`;--> statement-breakpoint
ALTER TABLE `users` RENAME COLUMN `optional_password_hash` TO `password_hash`;--> statement-breakpoint
ALTER TABLE `users` ADD `session_count` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `users` ADD `known_devices` text;--> statement-breakpoint
CREATE INDEX `users_deleted` ON `users` (`created_at`,`id`) WHERE deleted_at IS NOT NULL;--> statement-breakpoint
ALTER TABLE `roles` ADD `permissions` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
INSERT INTO `role_permissions` (`role`, `permission`) VALUES ('admin', 'tokens:introspect');--> statement-breakpoint
UPDATE `roles` SET `permissions` = (
	SELECT json_group_array(`permission` ORDER BY `permission`) FROM `role_permissions` WHERE `role` = `roles`.`name`
);--> statement-breakpoint
DROP TABLE `role_permissions`;--> statement-breakpoint
CREATE TABLE `new_audit_events` (
	`id` text PRIMARY KEY NOT NULL,
	`action` text NOT NULL,
	`actor_type` text NOT NULL,
	`actor_id` text,
	`target_type` text,
	`target_id` text,
	`changes` text,
	`sealed_changes` text,
	`origin_of` text,
	`sealed_origin` text,
	`request_id` text,
	`metadata` text,
	`created_at` integer NOT NULL
) WITHOUT ROWID;--> statement-breakpoint
INSERT INTO `new_audit_events` SELECT `id`, `action`, `actor_type`, `actor_id`, `target_type`, `target_id`, `changes`, `sealed_changes`,
	`origin_of`, `sealed_origin`, `request_id`, NULL, `created_at` FROM `audit_events`;--> statement-breakpoint
DROP TABLE `audit_events`;--> statement-breakpoint
ALTER TABLE `new_audit_events` RENAME TO `audit_events`;--> statement-breakpoint
CREATE INDEX `audit_events_actor` ON `audit_events` (`actor_id`,`id`);--> statement-breakpoint
CREATE INDEX `audit_events_target` ON `audit_events` (`target_id`,`id`);--> statement-breakpoint
CREATE INDEX `audit_events_origin` ON `audit_events` (`origin_of`,`id`) WHERE origin_of IS NOT actor_id AND origin_of IS NOT target_id;--> statement-breakpoint
CREATE TRIGGER `audit_events_no_update` BEFORE UPDATE ON `audit_events`
BEGIN
	SELECT RAISE(ABORT, 'audit events are immutable');
END;--> statement-breakpoint
CREATE TRIGGER `audit_events_no_delete` BEFORE DELETE ON `audit_events`
BEGIN
	SELECT RAISE(ABORT, 'audit events are immutable');
END;--> statement-breakpoint
CREATE TRIGGER `audit_events_no_replace` BEFORE INSERT ON `audit_events`
WHEN EXISTS (SELECT 1 FROM `audit_events` WHERE `id` = NEW.`id`)
BEGIN
	SELECT RAISE(ABORT, 'audit events are immutable');
END;--> statement-breakpoint
CREATE TABLE `new_login_attempts` (
	`key` text PRIMARY KEY NOT NULL,
	`attempts` text NOT NULL,
	`expires_at` integer NOT NULL
) WITHOUT ROWID;--> statement-breakpoint
INSERT INTO `new_login_attempts` SELECT `key`, `attempts`, `expires_at` FROM `login_attempts`;--> statement-breakpoint
DROP TABLE `login_attempts`;--> statement-breakpoint
ALTER TABLE `new_login_attempts` RENAME TO `login_attempts`;--> statement-breakpoint
CREATE INDEX `login_attempts_expires_at` ON `login_attempts` (`expires_at`);--> statement-breakpoint
CREATE TABLE `new_mail_outbox` (
	`id` text NOT NULL,
	`user_id` text NOT NULL,
	`kind` text NOT NULL,
	`address` text NOT NULL,
	`created_at` integer NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL,
	`next_attempt_at` integer NOT NULL,
	`lease` text,
	`leased_until` integer,
	`sent_at` integer,
	`failed_at` integer,
	PRIMARY KEY(`user_id`, `id`),
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;--> statement-breakpoint
INSERT INTO `new_mail_outbox` SELECT `id`, `user_id`, `kind`, `address`, `created_at`, `attempts`,
	CASE WHEN `sent_at` IS NULL AND `failed_at` IS NULL THEN `next_attempt_at` ELSE `created_at` + 2592000000 END,
	`lease`, `leased_until`, `sent_at`, `failed_at` FROM `mail_outbox`;--> statement-breakpoint
DROP TABLE `mail_outbox`;--> statement-breakpoint
ALTER TABLE `new_mail_outbox` RENAME TO `mail_outbox`;--> statement-breakpoint
CREATE INDEX `mail_outbox_due` ON `mail_outbox` (`next_attempt_at`);--> statement-breakpoint
CREATE INDEX `mail_outbox_by_address` ON `mail_outbox` (address COLLATE NOCASE,`kind`,`created_at`);--> statement-breakpoint
CREATE TABLE `new_sessions` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`generation` integer DEFAULT 1 NOT NULL,
	`created_at` integer NOT NULL,
	`last_used_at` integer NOT NULL,
	`rotated_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`ends_at` integer NOT NULL,
	`revoked_at` integer,
	`revoked_reason` text,
	`ip` text,
	`user_agent` text,
	`country` text,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;--> statement-breakpoint
INSERT INTO `new_sessions` SELECT `id`, `user_id`, `generation`, `created_at`, `last_used_at`, `rotated_at`, `expires_at`, `ends_at`,
	`revoked_at`, `revoked_reason`, `ip`, `user_agent`, `country` FROM `sessions`;--> statement-breakpoint
DROP TABLE `sessions`;--> statement-breakpoint
ALTER TABLE `new_sessions` RENAME TO `sessions`;--> statement-breakpoint
CREATE INDEX `sessions_by_user` ON `sessions` (`user_id`,`id`);--> statement-breakpoint
CREATE INDEX `sessions_live_by_user` ON `sessions` (`user_id`,`id`) WHERE revoked_at IS NULL;--> statement-breakpoint
UPDATE `users` SET `session_count` = (
	SELECT count(*) FROM `sessions` WHERE `user_id` = `users`.`id` AND `revoked_at` IS NULL
);
