/** What the people of the demonstration answer, whatever service asks it: as typed or touched, by the question's name. */
export const demoAnswers = {
  property_use: 'own-home',
  tax_year: '2025',
  certificate_use: 'loan',
  letter_language: 'en',
  phone: '13800138000',
  contact_time: 'morning',
  paid_work: 'false',
  months_abroad: '2',
  meter_number: '20417733',
  meter_reading: '1204.5',
  takeover_date: '2026-11-01',
  taxpayer_number: '060312199108226',
  new_address_code: '4101280302',
  move_date: '2026-12-12',
  power_reading: '18204',
  water_reading: '1204.5',
} as const;
