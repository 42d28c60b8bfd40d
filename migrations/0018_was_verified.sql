-- Accounts whose verified address an administrator has replaced: whoever has the new address must not be able to erase them.
ALTER TABLE `users` ADD `was_verified` integer DEFAULT false NOT NULL;
--> statement-breakpoint
UPDATE `users` SET `was_verified` = 1 WHERE `email_verified` = 0 AND EXISTS (
	SELECT 1 FROM `audit_events` WHERE `target_id` = `users`.`id` AND `action` = 'email.verified'
);
