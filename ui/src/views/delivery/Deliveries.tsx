export default function Deliveries() { return <p data-ready>Deliveries</p>; }
