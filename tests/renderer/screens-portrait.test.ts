import { judgeScreens } from './gallery/judge-screens.ts';

judgeScreens('portrait');
