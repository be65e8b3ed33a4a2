alter table catalogue_item
    add delivery_mode text check (delivery_mode in ('vaginal', 'assisted', 'cesarean'));
alter table catalogue_import_item add delivery_mode text;
-- What was fixed in the package until now, where somebody listed it: a stay under way is told as it was.
update catalogue_item set delivery_mode = case item_code
    when 'cesarean-section' then 'cesarean' when 'delivery-assisted' then 'assisted' else 'vaginal' end
where item_code in ('cesarean-section', 'delivery-assisted', 'delivery-care');
