export default function Rollouts() { return <p data-ready>Rollouts</p>; }
