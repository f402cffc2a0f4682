export default function Rollout() { return <p data-ready>Rollout</p>; }
