import { ref, type Ref } from 'vue';
import { drawSlip, type SlipLine } from '../slip.ts';
import { useSnapshotStore } from '../snapshot-store.ts';

/** The bench's slips: drawn one at a time, and given to the printer. */
export function useSlipPrinting(): {
  drawing: Readonly<Ref<boolean>>;
  /** @param widthDots of the printer's paper; null: there is none, and nothing is drawn. */
  printSlip(widthDots: number | null, lines: () => SlipLine[]): Promise<void>;
} {
  const store = useSnapshotStore();
  const drawing = ref(false);
  return {
    drawing,
    async printSlip(widthDots, lines) {
      if (widthDots === null || drawing.value) return;
      drawing.value = true;
      try {
        store.send({ intent: 'workshop.print', slip: await drawSlip(lines(), widthDots) });
      } finally {
        drawing.value = false;
      }
    },
  };
}
