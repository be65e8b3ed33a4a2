-- A claim's parts are those of its settlement and of the adjustments told since.
grant update (total_fen, fund_fen, member_fen, member_account_fen, member_cash_fen, institution_fen,
              other_fund_fen, desk_fund_fen, desk_member_fen, expenditure_item) on claim to audit_service;
