-- Another mode of delivery than the one that was claimed, which the hospital's own field names.
alter table claim add mode_stated text check (mode_stated in ('vaginal', 'assisted', 'cesarean'));
