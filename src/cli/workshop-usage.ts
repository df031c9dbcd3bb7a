export const workshopUsage = `imi kiosk provision --config FILE
imi kiosk check --hub FILE --kiosk ID --data DIR [--json] [--pdf FILE]
imi kiosk retire --hub FILE --kiosk ID --data DIR --out FILE [--gone]
imi kiosk journal --from FILE --hub FILE --key FILE [--data DIR]
  provision: { "hub": FILE, "kiosk": ID, "data": DIR, "pdf": FILE, "tpm": true }, paths as from the file itself; a technician's card is asked for where the kiosk is not enrolled.
  retire --gone: at the hub's machine, a kiosk that was stolen or starts no more; --data: from which the path of the hub's socket goes.
  journal: prints what a kiosk has exported, once its key on the ledger has told it. --key: of the hub's party (hub.key.json); --data: from which the path of the hub's socket goes.`;
